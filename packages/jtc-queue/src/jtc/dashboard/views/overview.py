from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.board import board_of
from jtc.dashboard.views.crew import gather_crew
from jtc.dashboard.views.hour import describe_hour
from jtc.queue import QueueHistory, QueueMonitor


async def overview(request: Request) -> Response:
    """Show how all queues stand, what the last hour was like, and who works."""
    board = board_of(request)
    queues = await board.queues.all()
    stats, histories, workers = await asyncio.gather(
        asyncio.gather(*(QueueMonitor(queue).stats() for queue in queues)),
        asyncio.gather(*(QueueHistory(queue).last() for queue in queues)),
        asyncio.gather(*(QueueMonitor(queue).workers() for queue in queues)),
    )
    names = [queue.name for queue in queues]
    return board.rendering.page(
        request,
        "overview.html",
        signing=await board.signing(),
        queues=stats,
        hour=describe_hour(histories),
        crew=gather_crew(zip(names, workers, strict=True)),
    )
