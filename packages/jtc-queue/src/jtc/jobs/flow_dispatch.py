"""Jobs that belong together become what the queue enqueues together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import saq

from jtc.jobs.dispatch_options import NO_OPTIONS
from jtc.jobs.enclosing import enclose
from jtc.jobs.errors import InvalidFlow, InvalidPayload
from jtc.jobs.flow_plan import FlowPlan
from jtc.jobs.manager import JobManager
from jtc.queue.flow import Flow
from jtc.queue.flows import Flows

if TYPE_CHECKING:
    from jtc.jobs.job import Job

SHORTEST_TTL = 600
"""Seconds for which it is known at least how a batch or a chain ended."""
LONGEST_TTL = 7 * 24 * 3600


async def start_flow(plan: FlowPlan) -> tuple[str, str]:
    """Enqueue jobs together; return the flow's id and the name of its queue.

    Raises:
        InvalidFlow: The jobs belong to several queues.
        InvalidPayload: A value is of another type; it says in which job.
    """
    queue = JobManager.open_queue(_one_queue(plan))
    flow = _enclosed_flow(plan)
    await Flows(queue).start(flow)
    return flow.id, queue.name


def _one_queue(plan: FlowPlan) -> str:
    home = JobManager.open_queue().name
    found: dict[str, str] = {}
    for part, queue in plan.wishes():
        found.setdefault(queue or home, part)
    if len(found) > 1:
        places = ", ".join(f"{part} in {queue!r}" for queue, part in found.items())
        example = f"{plan.kind.capitalize()}(..., queue={next(iter(found))!r})"
        why = (
            f"its parts belong to several queues ({places}), and can only follow one "
            f"another in one: say in which, as {example}"
        )
        raise InvalidFlow(plan.kind, why)
    return next(iter(found), home)


def _enclosed_flow(plan: FlowPlan) -> Flow:
    after = {
        name: _enclosed_flow(what)
        if isinstance(what, FlowPlan)
        else _enclosed(what, name)
        for name, what in plan.after.items()
    }
    places = (f"job {number}, counted from 0" for number in range(len(plan.jobs)))
    jobs = [_enclosed(*pair) for pair in zip(plan.jobs, places, strict=True)]
    return Flow(plan.kind, jobs, **after, stops=plan.stops, ttl=_ttl(plan))


def _enclosed(job: Job, place: str) -> saq.Job:
    definition = job.__jtc__
    try:
        enclosed = enclose(definition, definition.payload_in(job), NO_OPTIONS)
    except InvalidPayload as error:
        error.add_note(f"It was {place}.")
        raise
    # Each must run: one that stayed out because of an equal one would end nothing.
    enclosed.meta.pop("unique", None)
    return enclosed


def _ttl(plan: FlowPlan) -> int:
    longest = max((job.__jtc__.options.result_ttl for job in plan.jobs), default=0)
    return min(max(longest, SHORTEST_TTL), LONGEST_TTL)
