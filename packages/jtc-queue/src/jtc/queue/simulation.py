from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jtc.queue.ticks import fire_time, ticks_after
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import skip_reason

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SimulatedTick:
    """A tick of a task, and what is known of it in advance.

    Attributes:
        task: The task's name.
        tick: The nominal time, in UTC.
        fires: When it fires: `jitter` included.
        outcome: `due`, or `skipped:...` when a condition of the task excludes it.
    """

    task: str
    tick: datetime
    fires: datetime
    outcome: str


def simulate(
    tasks: Iterable[ScheduledTask],
    start: datetime,
    end: datetime,
    *,
    environment: str | None = None,
) -> Iterator[SimulatedTick]:
    """Yield the ticks of all tasks from `start` to `end`, in the order they fire.

    Nothing is asked that is known at the time only: not `when` and `skip`, not
    `max_runs`, not whether the run before has ended. A task that is not enabled has no
    ticks.

    Args:
        tasks: The tasks, in any order.
        start: The first nominal time, aware.
        end: The last nominal time, aware.
        environment: Where it would be, see `JTC_ENV`.

    Example:
        >>> from datetime import UTC
        >>> daily, half = ScheduledTask(print, "@daily"), ScheduledTask(len, 43200)
        >>> days = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
        >>> [f"{one.tick:%d %H} {one.task}" for one in simulate([daily, half], *days)]
        ['01 00 len', '01 00 print', '01 12 len', '02 00 len', '02 00 print']
    """
    return heapq.merge(
        *(
            _ticks(task, start, end, environment)
            for task in tasks
            if task.options.enabled
        ),
        key=lambda one: (one.fires, one.task),
    )


def _ticks(
    task: ScheduledTask, start: datetime, end: datetime, environment: str | None
) -> Iterator[SimulatedTick]:
    for tick in ticks_after(task, start - _MICROSECOND):
        if tick > end:
            return
        skipped = skip_reason(task, tick, environment)
        outcome = f"skipped:{skipped}" if skipped else "due"
        yield SimulatedTick(task.name, tick, fire_time(task, tick), outcome)
