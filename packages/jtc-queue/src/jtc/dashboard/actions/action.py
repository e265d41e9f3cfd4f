from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from jtc.dashboard.board import Board, board_of
from jtc.dashboard.errors import NotAllowed, NotUnderstood
from jtc.dashboard.form import Form, read_form
from jtc.dashboard.links import is_own_path, links_of
from jtc.dashboard.rendering import tell
from jtc.dashboard.security.gate import user_of
from jtc.dashboard.security.signing import SESSION, TOKEN, Signing
from jtc.dashboard.security.user import User
from jtc.queue import QueueError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What an action came to.

    Attributes:
        text: What its user is told.
        on: What it was done to, for the log.
        is_bad: Whether something went wrong.
    """

    text: str
    on: str
    is_bad: bool = False


Act = Callable[[Board, Form], Awaitable[Done]]


def action(path: str, act: Act) -> Route:
    """Return the route of an action: a form that was shown here is sent to it.

    Args:
        path: Its path, such as `/queue/pause`.
        act: Does it.
    """

    async def run(request: Request) -> Response:
        board = board_of(request)
        signing, form = await read_signed(request)
        done = await _attempt(request, act, board, form)
        back = form.get("back") or ""
        links = links_of(request)
        to = back if is_own_path(back, links) else links("/")
        response = RedirectResponse(to, status_code=303)
        tell(response, request, signing, done.text, is_bad=done.is_bad)
        return response

    return Route(path, run, methods=["POST"], name=act.__name__)


async def read_signed(request: Request) -> tuple[Signing, Form]:
    """Read a form that was sent, and what signs the next one.

    Raises:
        NotAllowed: It was not shown to this user by this dashboard.
    """
    signing = await board_of(request).signing()
    form = await read_form(request)
    session = request.cookies.get(SESSION, "")
    if not signing.is_token(form.get(TOKEN) or "", session, user_of(request).name):
        raise NotAllowed
    return signing, form


def log_action(user: User, what: str, came_to: str, *, on: str) -> None:
    """Write down who did what to what."""
    logger.info(
        "%s did %s: %s",
        user.name,
        what,
        came_to,
        extra={
            "action": "dashboard_action",
            "user": user.name,
            "what": what,
            "on": on,
        },
    )


async def _attempt(request: Request, act: Act, board: Board, form: Form) -> Done:
    what, user = act.__name__, user_of(request)
    try:
        done = await act(board, form)
    except (QueueError, NotUnderstood) as error:
        done = Done(str(error), on="", is_bad=True)
    log_action(user, what, done.text, on=done.on)
    return done
