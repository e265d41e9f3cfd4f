"""Which ticks a task has: pure functions, time comes in as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import takewhile

from jtc.queue.cron_ticks import CronTicks, cron_ticks
from jtc.queue.interval_ticks import IntervalTicks
from jtc.schedule import ScheduledTask

_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)


def next_tick(task: ScheduledTask, after: datetime) -> datetime | None:
    """Return the first nominal time of `task` later than `after`.

    Intervals are the multiples of their seconds since the epoch, so that every node has
    the same ticks and a restart moves none. Where the clocks change, cron expressions
    follow Debian's rule unless `dst` says otherwise: a time inside the spring gap runs
    right after it, a fixed time inside the repeated autumn hour runs once.

    Args:
        task: Its time zone is UTC unless it names one.
        after: An aware datetime.

    Returns:
        An aware datetime in UTC; None when the task has ended.

    Example:
        >>> from datetime import UTC
        >>> task = ScheduledTask(lambda ctx: None, "30 7 * * MON", name="report")
        >>> next_tick(task, datetime(2026, 11, 22, tzinfo=UTC)).isoformat()
        '2026-11-23T07:30:00+00:00'
    """
    return next(ticks_after(task, after), None)


def ticks_after(task: ScheduledTask, after: datetime) -> Iterator[datetime]:
    """Return the nominal times of `task` later than `after`, in UTC, in order.

    They have no end unless the task has one.
    """
    starts_at, ends_at = task.options.starts_at, task.options.ends_at
    if starts_at is not None:
        after = max(after, starts_at - _MICROSECOND)
    ticks = _all_ticks(task).after(after)
    if ends_at is None:
        return ticks
    return takewhile(lambda tick: tick <= ends_at, ticks)


def ticks_before(task: ScheduledTask, before: datetime) -> Iterator[datetime]:
    """Return the nominal times of `task` earlier than `before`, the latest first.

    They have no end unless the task has a beginning.
    """
    starts_at, ends_at = task.options.starts_at, task.options.ends_at
    if ends_at is not None:
        before = min(before, ends_at + _MICROSECOND)
    ticks = _all_ticks(task).before(before)
    if starts_at is None:
        return ticks
    return takewhile(lambda tick: tick >= starts_at, ticks)


def count_ticks(task: ScheduledTask, first: datetime, last: datetime) -> int:
    """Return how many ticks a task has from `first` to `last`.

    It costs as much as there are days between them, not ticks.
    """
    starts_at, ends_at = task.options.starts_at, task.options.ends_at
    if starts_at is not None:
        first = max(first, starts_at)
    if ends_at is not None:
        last = min(last, ends_at)
    if last < first:
        return 0
    return _all_ticks(task).count(first - _MICROSECOND, last)


def fire_time(task: ScheduledTask, tick: datetime) -> datetime:
    """Return when a tick fires: its nominal time and what `jitter` adds to it.

    The addition is made of the task's name and the tick, so that every worker has the
    same. It is whole milliseconds, less than the jitter and less than the time to the
    next tick: jitter changes neither the order of ticks nor their number.
    """
    if not task.options.jitter:
        return tick
    room = timedelta(seconds=task.options.jitter)
    following = next(_all_ticks(task).after(tick), None)
    if following is not None:
        room = min(room, following - tick)
    subject = f"{task.name} {int(tick.timestamp())}"
    number = int.from_bytes(blake2b(subject.encode(), digest_size=8).digest())
    return tick + number % max(1, room // _MILLISECOND) * _MILLISECOND


def first_due(task: ScheduledTask, after: datetime) -> datetime | None:
    """Return when the first tick fires that fires later than `after`."""
    tick = next(ticks_from(task, after + _MICROSECOND), None)
    return None if tick is None else fire_time(task, tick)


def ticks_from(task: ScheduledTask, due: datetime) -> Iterator[datetime]:
    """Return the ticks that fire at `due` or later, in order."""
    if not task.options.jitter:
        return ticks_after(task, due - _MICROSECOND)
    # Each fires before the next tick: only the newest one can still be ahead.
    newest = next(ticks_before(task, due + _MICROSECOND), None)
    if newest is not None and fire_time(task, newest) >= due:
        return ticks_after(task, newest - _MICROSECOND)
    return ticks_after(task, due)


def last_to_fire(task: ScheduledTask, until: datetime) -> datetime | None:
    """Return the newest tick that has fired by `until`."""
    ticks = ticks_before(task, until + _MICROSECOND)
    return next((tick for tick in ticks if fire_time(task, tick) <= until), None)


def _all_ticks(task: ScheduledTask) -> CronTicks | IntervalTicks:
    """Return the ticks of a schedule, whenever the task begins or ends."""
    options = task.options
    if isinstance(task.schedule, str):
        return cron_ticks(task.schedule, options.timezone, options.dst)
    return IntervalTicks(
        timedelta(seconds=task.schedule), timedelta(seconds=options.phase)
    )
