from __future__ import annotations

from datetime import timedelta

from jtc.schedule.errors import InvalidInterval

_SECOND = timedelta(seconds=1)
# Ten years with the most leap days they can hold.
_LONGEST = timedelta(days=3653)


def whole_seconds(interval: int | timedelta) -> int:
    """Return an interval as whole seconds.

    Raises:
        InvalidInterval: It is no int or timedelta, is not whole, is shorter than one
            second or longer than ten years.

    Example:
        >>> whole_seconds(timedelta(minutes=5))
        300
    """
    if isinstance(interval, timedelta):
        return _bounded(interval, _seconds_of(interval))
    if isinstance(interval, bool) or not isinstance(interval, int):
        raise InvalidInterval(interval, _wrong_type(interval))
    return _bounded(interval, int(interval))


def _seconds_of(interval: timedelta) -> int:
    if interval % _SECOND:
        raise InvalidInterval(interval, "has a fraction of a second")
    return interval // _SECOND


def _bounded(interval: object, seconds: int) -> int:
    if seconds < 1:
        raise InvalidInterval(interval, "is shorter than one second")
    if seconds > _LONGEST // _SECOND:
        raise InvalidInterval(interval, "is longer than 10 years")
    return seconds


def _wrong_type(interval: object) -> str:
    if isinstance(interval, str):
        return "is text; a cron expression goes to Schedule.cron"
    if isinstance(interval, float) and interval.is_integer():
        return f"is a float; write {int(interval)}"
    return "is no int or timedelta"
