from __future__ import annotations

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from jtc.dashboard.board import board_of
from jtc.dashboard.errors import NothingThere, NotUnderstood
from jtc.dashboard.form import read_query
from jtc.dashboard.shown_queues import choose_queue
from jtc.queue import FailedJobs, JobPages, QueueMonitor
from jtc.queue.job_page import PageState

STATES: tuple[PageState, ...] = get_args(PageState)
SIZE = 50


async def jobs_page(request: Request) -> Response:
    """Show the jobs of a queue that are in one state."""
    board, query = board_of(request), read_query(request)
    queues = await board.queues.all()
    queue = choose_queue(queues, query.get("queue"))
    state = _state(query.get("state"))
    name = query.get("name")
    page = await JobPages(queue).page(
        state, name=name, cursor=query.get("cursor"), size=SIZE
    )
    return board.rendering.page(
        request,
        "jobs.html",
        signing=await board.signing(),
        queues=[one.name for one in queues],
        queue=queue.name,
        stats=await QueueMonitor(queue).stats(),
        states=STATES,
        state=state,
        name=name,
        is_first=query.get("cursor") is None,
        page=page,
    )


async def job_page(request: Request) -> Response:
    """Show all that is known of one job."""
    board, query = board_of(request), read_query(request)
    queue = await board.queue(query.get("queue"))
    job_id = query.need("id")
    job = await QueueMonitor(queue).job(job_id)
    if job is None:
        raise NothingThere(
            f"Queue {queue.name} keeps nothing about a job {job_id!r}. Jobs that have "
            "ended are kept for their result_ttl, failed ones for a week."
        )
    is_listed = await FailedJobs(queue).get(job.id) is not None
    return board.rendering.page(
        request,
        "job.html",
        signing=await board.signing(),
        queue=queue.name,
        job=job,
        is_listed=is_listed,
    )


def _state(word: str | None) -> PageState:
    for state in STATES:
        if state == (word or "waiting"):
            return state
    raise NotUnderstood(f"{word!r} is no state: it is one of {', '.join(STATES)}.")
