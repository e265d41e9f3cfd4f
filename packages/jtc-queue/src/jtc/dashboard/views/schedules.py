from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.actions.pauses import PAUSES
from jtc.dashboard.board import board_of
from jtc.dashboard.errors import NothingThere
from jtc.dashboard.form import read_query
from jtc.dashboard.shown_queues import choose_queue
from jtc.queue import SchedulePages, Schedules

SIZE = 50
RECORDS = 100
RUNS = 5


async def schedules_page(request: Request) -> Response:
    """Show the schedules of a queue."""
    board, query = board_of(request), read_query(request)
    queues = await board.queues.all()
    queue = choose_queue(queues, query.get("queue"))
    text, cursor = query.get("text"), query.get("cursor")
    # What workers have said: code that is only imported here fires nothing.
    page = await SchedulePages(queue, ()).page(text=text, cursor=cursor, size=SIZE)
    return board.rendering.page(
        request,
        "schedules.html",
        signing=await board.signing(),
        queues=[one.name for one in queues],
        queue=queue.name,
        text=text,
        is_first=cursor is None,
        page=page,
    )


async def schedule_page(request: Request) -> Response:
    """Show one schedule, its history, and what can be done to it."""
    board, query = board_of(request), read_query(request)
    queue, name = await board.queue(query.get("queue")), query.need("name")
    row = await SchedulePages(queue, ()).row(name)
    if row is None:
        raise NothingThere(f"Queue {queue.name} has no schedule {name!r}.")
    schedules = Schedules(queue, ())
    history, runs = await asyncio.gather(
        schedules.history(name, RECORDS), schedules.next_runs(name, RUNS)
    )
    return board.rendering.page(
        request,
        "schedule.html",
        signing=await board.signing(),
        queue=queue.name,
        row=row,
        history=history,
        runs=runs,
        pauses=PAUSES,
    )
