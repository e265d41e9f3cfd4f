"""Which ticks a task has: pure functions, time comes in as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from jtc.schedule import ScheduledTask, expand_expression

CATCHUP_WINDOW = timedelta(hours=1)
"""How old a missed tick may be to be run after all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about an entry that is due.

    Attributes:
        ticks: The nominal times to enqueue, oldest first.
        missed: Nominal times that will not run, with the reason.
        next: The next nominal time.
    """

    ticks: tuple[datetime, ...]
    missed: tuple[tuple[datetime, str], ...]
    next: datetime


def next_tick(task: ScheduledTask, after: datetime) -> datetime:
    """Return the first nominal time of `task` later than `after`.

    Intervals are the multiples of their seconds since the epoch, so that every node has
    the same ticks and a restart moves none. Cron expressions follow Debian's rule where
    the clocks change: a time inside the spring gap runs right after it, a fixed time
    inside the repeated autumn hour runs once.

    Args:
        task: Its time zone is UTC unless it names one.
        after: An aware datetime.

    Returns:
        An aware datetime in UTC.

    Example:
        >>> task = ScheduledTask(lambda ctx: None, "30 7 * * MON", name="report")
        >>> next_tick(task, datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
        '2026-11-23T07:30:00+00:00'
    """
    return next(ticks_after(task, after))


def ticks_after(task: ScheduledTask, after: datetime) -> Iterator[datetime]:
    """Yield the nominal times of `task` later than `after`, in UTC, without end."""
    if isinstance(task.schedule, int):
        return _interval_ticks(task.schedule, after)
    return _cron_ticks(expand_expression(task.schedule), task.timezone, after)


def decide(task: ScheduledTask, due: datetime, now: datetime) -> Decision:
    """Decide what becomes of the ticks from `due` up to `now`.

    When there is more than one, no worker was there in time: the newest runs, if it is
    younger than an hour, and the others are recorded.

    Args:
        task: The task that is due.
        due: The first nominal time that has not been dealt with.
        now: The server's clock.
    """
    horizon = now - CATCHUP_WINDOW
    recent = _ticks_between(task, max(due, horizon), now)
    missed = [(tick, "missed:down") for tick in recent[:-1]]
    if due < horizon:
        missed.insert(0, (due, "missed:catchup_window"))
    return Decision(tuple(recent[-1:]), tuple(missed), next_tick(task, now))


def _ticks_between(
    task: ScheduledTask, first: datetime, last: datetime
) -> list[datetime]:
    just_before = first - timedelta(microseconds=1)
    return list(takewhile(lambda t: t <= last, ticks_after(task, just_before)))


def _interval_ticks(seconds: int, after: datetime) -> Iterator[datetime]:
    tick = int(after.timestamp() // seconds) * seconds
    while True:
        tick += seconds
        yield datetime.fromtimestamp(tick, tz=UTC)


def _cron_ticks(
    expression: str, timezone: str | None, after: datetime
) -> Iterator[datetime]:
    zone = UTC if timezone in (None, "UTC") else ZoneInfo(str(timezone))
    for tick in CronSim(expression, after.astimezone(zone)):
        # Inside a repeated hour cronsim counts wall-clock time and can step back.
        if (utc := tick.astimezone(UTC)) > after:
            yield utc
