from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jtc.queue.ticks import fire_time, ticks_before
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import SkipReason, skip_reason

MOST_LOOKED_AT = 10_000
"""How many ticks inside the catch-up window are held against `exclude`, `days` and
`between`; older ones are taken for not excluded."""
# As many as the history keeps: they will not run, it only says why.
_LOOKED_AT_BEYOND_WINDOW = 100
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DueTick:
    """A tick that has fired.

    Attributes:
        tick: The nominal time.
        fires: When it fired: jitter included.
        skipped: The condition of the task that excludes it, if one does.
    """

    tick: datetime
    fires: datetime
    skipped: SkipReason | None


def due_ticks(
    task: ScheduledTask,
    oldest: datetime,
    newest: datetime,
    now: datetime,
    environment: str | None,
) -> Iterator[DueTick]:
    """Yield the ticks from `newest` back to `oldest` that have to be looked at singly.

    Those are the ones that may run and those that a condition may exclude, as far back
    as is affordable; of older ones it is enough to know how many there are.
    """
    since = now - timedelta(seconds=task.options.catchup_window)
    inside, beyond = _looked_at(task)
    for index, tick in enumerate(_back(task, oldest, newest)):
        fires = fire_time(task, tick)
        if index >= (inside if fires >= since else beyond):
            return
        skipped = skip_reason(task, tick, environment)
        yield DueTick(tick, fires, skipped)
        if skipped == "environment":
            # It holds for every other one too.
            return


def _looked_at(task: ScheduledTask) -> tuple[int, int]:
    """Return how many ticks to look at inside the window, and beyond it.

    The newest one is always looked at.
    """
    options = task.options
    runs = 1 + options.catchup_limit if options.catchup == "all" else 1
    if options.exclude or options.days is not None or options.between is not None:
        return max(MOST_LOOKED_AT, runs), _LOOKED_AT_BEYOND_WINDOW
    return runs, 1


def _back(
    task: ScheduledTask, oldest: datetime, newest: datetime
) -> Iterator[datetime]:
    if oldest == newest:
        # So it is with most ticks that are skipped; the search is not needed.
        yield newest
        return
    for tick in ticks_before(task, newest + _MICROSECOND):
        if tick < oldest:
            return
        yield tick
