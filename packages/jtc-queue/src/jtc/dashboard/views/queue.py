from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.actions.pauses import PAUSES
from jtc.dashboard.board import board_of
from jtc.dashboard.form import read_query
from jtc.dashboard.views.crew import gather_crew
from jtc.dashboard.views.hour import describe_hour
from jtc.queue import QueueControl, QueueHistory, QueueMonitor


async def queue_page(request: Request) -> Response:
    """Show one queue, and what can be done to it."""
    board = board_of(request)
    queue = await board.queue(read_query(request).get("queue"))
    monitor = QueueMonitor(queue)
    stats, history, workers = await asyncio.gather(
        monitor.stats(), QueueHistory(queue).last(), monitor.workers()
    )
    return board.rendering.page(
        request,
        "queue.html",
        signing=await board.signing(),
        queue=stats,
        hour=describe_hour([history]),
        crew=gather_crew([(queue.name, workers)]),
        pauses=PAUSES,
    )


async def confirm_clear(request: Request) -> Response:
    """Ask whether all jobs that wait in a queue are really to be canceled."""
    board = board_of(request)
    queue = await board.queue(read_query(request).get("queue"))
    return board.rendering.page(
        request,
        "queue_clear.html",
        signing=await board.signing(),
        queue=queue.name,
        count=await QueueControl(queue).count_clearable(),
    )
