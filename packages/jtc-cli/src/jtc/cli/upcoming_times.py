from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import islice

from jtc.cli.durations import describe_wait
from jtc.cli.times import format_day_and_time
from jtc.queue.ticks import ticks_after
from jtc.schedule import ScheduledTask, skip_reason

# How far ahead is looked for ticks that no condition excludes.
MOST_TICKS = 10_000


def next_times(
    task: ScheduledTask, after: datetime, *, count: int, environment: str | None = None
) -> list[datetime]:
    """Return the next ticks of a task that no condition is known to exclude.

    There are none while it is not enabled. How often it has run is not known here.

    Args:
        task: Its time zone is UTC unless it names one.
        after: An aware datetime.
        count: How many at the most.
        environment: Where this is.
    """
    if not task.options.enabled:
        return []
    ticks = islice(ticks_after(task, after), MOST_TICKS)
    runs = (tick for tick in ticks if skip_reason(task, tick, environment) is None)
    return list(islice(runs, count))


def describe_times(
    times: Sequence[datetime], *, now: datetime, zone: tzinfo
) -> Iterator[str]:
    """Yield a line for each time: in full, and how long it is until then."""
    texts = [format_day_and_time(time, zone=zone) for time in times]
    width = max(map(len, texts), default=0)
    for text, time in zip(texts, times, strict=True):
        yield f"  {text.ljust(width)}  {describe_wait(time, now=now)}"
