from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim

from jtc.schedule import check_expression, expand_expression

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_ANY = datetime(2000, 1, 1, tzinfo=UTC)


def explain(schedule: str | int) -> str:
    """Return in words when a schedule is due.

    Args:
        schedule: A cron expression, or the seconds of an interval.

    Raises:
        InvalidCronExpression: It is malformed or can never fire.

    Example:
        >>> explain("*/5 9-17 * * MON-FRI")
        'Every fifth minute from 09:00 through 17:59 on Monday through Friday'
        >>> explain("@daily"), explain(7200)
        ('At 00:00 every day', 'Every 2 hours')
        >>> explain("0 0 13 * FRI")
        'At 00:00 on the 13th day of month or on Friday'
    """
    if isinstance(schedule, int):
        return _interval(schedule)
    check_expression(schedule)
    parsed = CronSim(expand_expression(schedule), _ANY)
    words = parsed.explain()
    # It says "and" of two fields of which either is enough.
    return words if parsed.day_and else words.replace(" and on ", " or on ")


def _interval(seconds: int) -> str:
    unit, size = next(pair for pair in _UNITS if seconds % pair[1] == 0)
    count = seconds // size
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
