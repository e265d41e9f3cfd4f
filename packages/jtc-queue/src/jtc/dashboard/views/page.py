from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jtc.dashboard.board import board_of

PATIENCE = 10.0
"""Seconds that a page may take: as long as somebody still waits for it."""


def page(
    path: str,
    show: Callable[[Request], Awaitable[Response]],
    *,
    takes_forms: bool = False,
) -> Route:
    """Return the route of a page.

    Args:
        path: Its path, such as `/jobs`.
        show: Returns it.
        takes_forms: Whether a form can lead to it.
    """

    async def answer(request: Request) -> Response:
        async with asyncio.timeout(PATIENCE):
            response = await show(request)
        board_of(request).reach.found()
        return response

    methods = ["GET", "POST"] if takes_forms else ["GET"]
    return Route(path, answer, methods=methods, name=show.__name__)
