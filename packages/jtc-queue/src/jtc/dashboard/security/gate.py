from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jtc.dashboard.errors import NotAUser
from jtc.dashboard.links import ROOT
from jtc.dashboard.security.origin import SAFE_METHODS, is_foreign
from jtc.dashboard.security.user import User

logger = logging.getLogger(__name__)

Authenticate = Callable[[Request], User | Awaitable[User | None] | None]
USER = "jtc.dashboard.user"


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Who is let in, and what the others are told.

    Attributes:
        authenticate: Returns who it is; None for who is not let in.
        status: The status for those.
        message: What they are told.
        headers: What the response carries, such as a challenge.
        may_act: Whether anybody may do anything.
    """

    authenticate: Authenticate
    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    may_act: bool = True


class Gate:
    """Lets nobody past whom the doorkeeper does not know: no page, no file, no action.

    Args:
        app: What is behind it.
        keeper: Who is let in.
    """

    def __init__(self, app: ASGIApp, keeper: Doorkeeper) -> None:
        self._app = app
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its user, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # A web socket; there is none here.
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        found = await self._admit(request)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        # Below a part of ours, such as SAQ's page, `root_path` is that part's.
        root = scope.get("root_path", "")
        await self._app({**scope, USER: found, ROOT: root}, receive, send)

    async def _admit(self, request: Request) -> User | Response:
        try:
            user = self._keeper.authenticate(request)
            if inspect.isawaitable(user):
                user = await user
        except HTTPException as error:
            # As to lead to a page where one can log in.
            headers = error.headers
            return PlainTextResponse(error.detail, error.status_code, headers)
        if user is None:
            return self._turn_away(request)
        if not isinstance(user, User):
            raise NotAUser(user)
        if not self._keeper.may_act:
            user = replace(user, can_act=False)
        return self._check_action(request, user) or user

    def _turn_away(self, request: Request) -> Response:
        logger.info(
            "Refused a request for %r from %s.",
            request.url.path,
            request.client.host if request.client else "an unknown address",
            extra={"action": "dashboard_refused"},
        )
        keeper = self._keeper
        return PlainTextResponse(keeper.message, keeper.status, dict(keeper.headers))

    def _check_action(self, request: Request, user: User) -> Response | None:
        if request.method in SAFE_METHODS:
            return None
        if not user.can_act:
            return PlainTextResponse("You may only look.", 403)
        if is_foreign(request):
            return PlainTextResponse("This was sent by a page of another site.", 403)
        return None


def user_of(request: Request) -> User:
    """Return who sent a request that the gate has let past."""
    user: User = request.scope[USER]
    return user
