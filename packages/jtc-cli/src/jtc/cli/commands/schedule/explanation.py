from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import islice

from jtc.cli.output import print_json, print_text
from jtc.cli.times import format_for_programs
from jtc.cli.upcoming_times import describe_times
from jtc.queue import explain
from jtc.queue.ticks import ticks_after
from jtc.schedule import ScheduledTask

COUNT = 5


def explain_schedule(expression: str, *, zone: tzinfo | None, as_json: bool) -> None:
    """Print what an expression means and when it is due next.

    Args:
        expression: A cron expression, a macro, or digits: an interval in seconds.
        zone: In which an expression is read and times are shown; UTC unless given.
        as_json: Whether a program reads it.

    Raises:
        ScheduleError: The expression is none.
    """
    task = _task(expression.strip(), zone)
    now = datetime.now(UTC)
    times = list(islice(ticks_after(task, now), COUNT))
    meaning = explain(task.schedule)
    if as_json:
        print_json(
            {
                "schedule": task.schedule,
                "timezone": task.timezone,
                "meaning": meaning,
                "next": [format_for_programs(time) for time in times],
            }
        )
        return
    print_text(meaning)
    for line in describe_times(times, now=now, zone=zone or UTC):
        print_text(line)


def _task(expression: str, zone: tzinfo | None) -> ScheduledTask:
    if expression.isdecimal():
        return ScheduledTask(print, int(expression), "explained")
    timezone = str(zone) if zone else "UTC"
    return ScheduledTask(print, expression, "explained", timezone=timezone)
