from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from jtc.cli.upcoming_times import MOST_TICKS, next_times
from jtc.queue.ticks import ticks_after
from jtc.schedule import ScheduledTask, skip_reason


def describe_end_of_ticks(
    task: ScheduledTask,
    times: Sequence[datetime],
    *,
    now: datetime,
    environment: str | None = None,
) -> str:
    """Say why a task has no more ticks than these.

    Args:
        task: Its time zone is UTC unless it names one.
        times: The next ticks, fewer than were asked for.
        now: An aware datetime.
        environment: Where this is.

    Example:
        >>> from datetime import UTC
        >>> task = ScheduledTask(print, "@daily", "report", enabled=False)
        >>> describe_end_of_ticks(task, [], now=datetime(2026, 3, 1, tzinfo=UTC))
        'report is not enabled: it has no ticks.'
    """
    if not task.options.enabled:
        return f"{task.name} is not enabled: it has no ticks."
    after = times[-1] if times else now
    if task.options.max_runs is not None and next_times(
        task, after, count=1, environment=environment
    ):
        verb = "will then be" if times else "is"
        limit = f"max_runs={task.options.max_runs}"
        return f"{task.name} has no more ticks: {limit} {verb} used up."
    return f"{task.name} has no more ticks{_describe_skips(task, after, environment)}."


def _describe_skips(
    task: ScheduledTask, after: datetime, environment: str | None
) -> str:
    ticks = list(islice(ticks_after(task, after), MOST_TICKS))
    reasons = dict.fromkeys(skip_reason(task, tick, environment) for tick in ticks)
    words = [_describe_reason(task, word, environment) for word in reasons if word]
    if not words:
        return ""
    which = f"next {MOST_TICKS}" if len(ticks) == MOST_TICKS else "others"
    return f" that run: the {which} are skipped by {', '.join(words)}"


def _describe_reason(task: ScheduledTask, reason: str, environment: str | None) -> str:
    if reason != "environment":
        # As the option is called.
        return "exclude" if reason == "excluded" else reason
    wanted = ", ".join(sorted(task.options.environments or ()))
    here = f"is {environment!r}" if environment else "is not set"
    return f"environments ({wanted}; JTC_ENV {here})"
