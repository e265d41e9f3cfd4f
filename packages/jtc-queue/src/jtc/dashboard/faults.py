from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.board import board_of
from jtc.dashboard.errors import NotAllowed, NothingThere, NotUnderstood
from jtc.dashboard.security.headers import all_headers
from jtc.queue import QueueError

Handler = Callable[[Request, Any], Awaitable[Response]]


async def _server_away(request: Request, error: Exception) -> Response:
    board = board_of(request)
    board.reach.lost(error)
    return board.rendering.problem(
        request,
        status=503,
        title="The server is away",
        text="Redis or Valkey does not answer. Jobs that run go on, and workers come "
        "back by themselves. This page tries again every five seconds.",
        retry=True,
    )


async def _not_there(request: Request, error: NothingThere) -> Response:
    return _say(request, 404, "There is no such thing", str(error))


async def _not_allowed(request: Request, error: NotAllowed) -> Response:
    return _say(request, 403, "Not done", str(error))


async def _not_understood(request: Request, error: Exception) -> Response:
    return _say(request, 400, "Not understood", str(error))


async def _refused(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:  # noqa: PLR2004 - its usual name
        return _say(request, 404, "There is no such page", "Its address leads nowhere.")
    response = _say(request, error.status_code, "Nothing was done", error.detail)
    response.headers.update(error.headers or {})
    return response


async def _broken(request: Request, error: Exception) -> Response:
    # Starlette raises it once more, for whoever logs errors. It answers outside of what
    # adds the headers to all other responses.
    response = _say(
        request,
        500,
        "Something went wrong",
        f"The dashboard has a fault ({type(error).__name__}); its log tells more.",
    )
    response.headers.update(all_headers())
    return response


def _say(request: Request, status: int, title: str, text: str) -> Response:
    return board_of(request).rendering.problem(
        request, status=status, title=title, text=text, retry=False
    )


FAULTS: dict[Any, Handler] = {
    NoConnection: _server_away,
    NoAnswer: _server_away,
    # Also of the patience of a page.
    OSError: _server_away,
    NothingThere: _not_there,
    NotAllowed: _not_allowed,
    NotUnderstood: _not_understood,
    QueueError: _not_understood,
    HTTPException: _refused,
    Exception: _broken,
}
"""What each kind of error is answered with."""
