from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice, takewhile

from jtc.queue.decision import Stretch
from jtc.queue.errors import InvalidBackfill
from jtc.queue.ticks import ticks_after
from jtc.schedule import ScheduledTask, skip_reason

MOST_TICKS = 10_000
"""How many ticks one backfill may be about."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The ticks of a stretch of time, oldest first.

    Attributes:
        runs: Those to run.
        skipped: Those that do not run.
    """

    runs: tuple[datetime, ...]
    skipped: tuple[Stretch, ...]


def plan_backfill(
    task: ScheduledTask,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    environment: str | None = None,
) -> BackfillPlan:
    """Find the ticks from `start` up to, not including, `end`.

    Args:
        task: What is to be run.
        start: An aware datetime.
        end: An aware datetime.
        now: The server's clock; what is still to come is left out.
        environment: Where this is.

    Raises:
        InvalidBackfill: A time has no zone, there is nothing between the two, or more
            than ten thousand ticks.
    """
    _check_range(task.name, start, end)
    ticks = list(islice(_ticks(task, start, min(end, now)), MOST_TICKS + 1))
    if len(ticks) > MOST_TICKS:
        problem = f"there are more than {MOST_TICKS:,} ticks between the two times"
        raise InvalidBackfill(task.name, f"{problem}; do it in several parts")
    runs: list[datetime] = []
    skipped: list[Stretch] = []
    for reason, group in groupby(ticks, lambda tick: _reason(task, tick, environment)):
        together = list(group)
        if reason is None:
            runs += together
        else:
            skipped.append(_stretch(together, f"skipped:{reason}"))
    return BackfillPlan(tuple(runs), tuple(skipped))


def _stretch(ticks: Sequence[datetime], outcome: str) -> Stretch:
    return Stretch(ticks[0], ticks[-1], len(ticks), outcome)


def _check_range(name: str, start: datetime, end: datetime) -> None:
    for moment in (start, end):
        if moment.utcoffset() is None:
            problem = f"{moment!r} has no time zone; write datetime(..., tzinfo=UTC)"
            raise InvalidBackfill(name, problem)
    if end <= start:
        problem = f"nothing is between {start.isoformat()} and {end.isoformat()}"
        raise InvalidBackfill(name, f"{problem}; give the earlier time first")


def _ticks(task: ScheduledTask, start: datetime, end: datetime) -> Iterator[datetime]:
    unbounded = dataclasses.replace(task.options, starts_at=None, ends_at=None)
    always = dataclasses.replace(task, options=unbounded)
    return takewhile(lambda tick: tick < end, ticks_after(always, start - _INSTANT))


def _reason(task: ScheduledTask, tick: datetime, environment: str | None) -> str | None:
    options = task.options
    if options.starts_at is not None and tick < options.starts_at:
        return "outside_window"
    if options.ends_at is not None and tick > options.ends_at:
        return "outside_window"
    return skip_reason(task, tick, environment)
