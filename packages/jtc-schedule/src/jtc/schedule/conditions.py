from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from jtc.schedule.clock_time import is_between
from jtc.schedule.function import place_of
from jtc.schedule.options import Exclusion
from jtc.schedule.task import ScheduledTask

SkipReason = Literal["environment", "excluded", "days", "between"]

# By id, for not all can be hashed; held, so that no other takes the id over.
_failed: dict[int, Exclusion] = {}


def skip_reason(
    task: ScheduledTask, nominal: datetime, environment: str | None
) -> SkipReason | None:
    """Return why a tick is skipped, as far as that is known in advance.

    The coarser condition comes first: a night out of a day off is "days", like the rest
    of it. A function in `exclude` that raises an error excludes the tick; it is logged
    once. What `when` and `skip` say is not asked here.

    Args:
        task: Its times are in UTC unless it names a zone.
        nominal: The time of the tick; aware.
        environment: Where this is, see `JTC_ENV`; None is in none of them.

    Example:
        >>> task = ScheduledTask(print, "@hourly", "report", between=("22:00", "06:00"))
        >>> skip_reason(task, datetime(2026, 3, 1, 12, tzinfo=UTC), None)
        'between'
        >>> skip_reason(task, datetime(2026, 3, 1, 23, tzinfo=UTC), None)
    """
    options = task.options
    if options.environments is not None and environment not in options.environments:
        return "environment"
    if not (options.exclude or options.days or options.between):
        return None
    local = _in_zone(nominal, options.timezone)
    if any(_excludes(task, exclusion, local) for exclusion in options.exclude):
        return "excluded"
    if options.days is not None and local.isoweekday() % 7 not in options.days:
        return "days"
    if options.between is not None and not is_between(local.time(), *options.between):
        return "between"
    return None


def _in_zone(moment: datetime, timezone: str | None) -> datetime:
    if timezone is None:
        return moment.astimezone(UTC)
    # Most tasks need none, and the import would cost each of them.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return moment.astimezone(ZoneInfo(timezone))


def _excludes(task: ScheduledTask, exclusion: Exclusion, local: datetime) -> bool:
    if isinstance(exclusion, tuple):
        first, last = exclusion
        return first <= local.date() <= last
    try:
        return bool(exclusion(local))
    except Exception as error:
        # Raised, it would keep every other task of the worker from being fired.
        if id(exclusion) not in _failed:
            _failed[id(exclusion)] = exclusion
            _log_failure(task, local, exclusion, error)
        return True


def _log_failure(
    task: ScheduledTask,
    local: datetime,
    exclusion: Callable[[datetime], bool],
    error: Exception,
) -> None:
    # Only who fails pays for the import, not who publishes a task.
    import logging  # noqa: PLC0415

    logging.getLogger(__name__).error(
        "A function in exclude= of task %s failed for %s: %s. Ticks for which it fails "
        "count as excluded until it is mended; it is not logged again.",
        task.name,
        local.isoformat(),
        place_of(exclusion),
        exc_info=error,
        extra={"action": "exclusion_failed", "task": task.name},
    )
