from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from redis.exceptions import RedisError

from jtc.cli.declared_tasks import DeclaredTasks
from jtc.cli.errors import NoServer, ServerRefused
from jtc.cli.open_schedules import OpenSchedules
from jtc.cli.opening import GLANCE, open_queue
from jtc.cli.place import Place
from jtc.queue import ScheduleStatus, Target
from jtc.queue.ticks import first_due
from jtc.schedule import ScheduledTask


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """Schedules as the server has them or, without one, as the modules declare them.

    Attributes:
        statuses: Those of the modules first, in their order.
        why_not: Why the server was not asked, if it was not.
    """

    statuses: tuple[ScheduleStatus, ...]
    why_not: str | None = None


def view_schedules(
    place: Place, declared: DeclaredTasks, *, now: datetime
) -> ScheduleView:
    """Look at the server for a moment; be content with the modules if it is not there.

    Args:
        place: Where the server is.
        declared: What the user's modules declare.
        now: An aware datetime, for what is declared only.

    Raises:
        QueueError: A setting is unfit.
    """
    try:
        return ScheduleView(asyncio.run(_ask(place, declared)))
    except (NoServer, ServerRefused, RedisError) as error:
        statuses = [_declared_status(task, declared, now) for task in declared.meant]
        return ScheduleView(tuple(statuses), str(error).partition("\n")[0])


async def _ask(place: Place, declared: DeclaredTasks) -> tuple[ScheduleStatus, ...]:
    async with open_queue(place, patience=GLANCE) as queue:
        opened = OpenSchedules(queue, declared)
        lists = [await schedules.list() for _, schedules in opened.all()]
    order = {task.name: index for index, task in enumerate(declared.tasks)}
    found = [status for statuses in lists for status in statuses]
    found.sort(key=lambda status: order.get(status.name, len(order)))
    return tuple(found)


def _declared_status(
    task: ScheduledTask, declared: DeclaredTasks, now: datetime
) -> ScheduleStatus:
    return ScheduleStatus(
        name=task.name,
        schedule=task.schedule,
        description=task.description,
        options=task.options,
        target=Target("task", task.name),
        queue=declared.queue_of(task),
        next_due=first_due(task, now) if task.options.enabled else None,
        last=None,
        paused=None,
        in_code=True,
    )
