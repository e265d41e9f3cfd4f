from __future__ import annotations

from collections.abc import Mapping
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


def whole_seconds_of(
    seconds: int | timedelta | None, units: Mapping[str, float], *, days: object = None
) -> int:
    """Return an interval that is given in several units as whole seconds.

    Args:
        seconds: As `whole_seconds` takes it; instead of `units`, not beside them.
        units: Numbers by the names of the parameters of `timedelta`; summed up.
        days: What was written for the option of that name; not part of the interval.

    Raises:
        InvalidInterval: As `whole_seconds`, or nothing or both were given.

    Example:
        >>> whole_seconds_of(None, {"hours": 1, "minutes": 1})
        3660
    """
    if not any(units.values()):
        if seconds is None:
            raise InvalidInterval(seconds, _nothing(days))
        return whole_seconds(seconds)
    try:
        total = timedelta(**units)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInterval(units, "is given in what are no numbers") from None
    if seconds:
        # In every(5, minutes=2) the 5 reads like another unit than seconds.
        problem = _both(whole_seconds(seconds), total, units)
        raise InvalidInterval(seconds, problem)
    return whole_seconds(total)


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


def _both(seconds: int, total: timedelta, units: Mapping[str, float]) -> str:
    said = ", ".join(f"{unit}={value!r}" for unit, value in units.items() if value)
    summed = (total + _SECOND * seconds).total_seconds()
    return (
        f"does not go together with {said}: a plain number is seconds, whatever stands "
        "beside it; if the sum is meant, "
        f"write every({summed:.15g}), else leave one of them out"
    )


def _nothing(days: object) -> str:
    if days is None:
        return "nothing says how long it is; write every(30) or every(minutes=5)"
    return (
        f"nothing says how long it is; days={days!r} is the option that restricts "
        "ticks to days of the week, and two days are hours=48"
    )


def _wrong_type(interval: object) -> str:
    if isinstance(interval, str):
        return "is text; a cron expression goes to Schedule.cron"
    if isinstance(interval, float) and interval.is_integer():
        return f"is a float; write {int(interval)}"
    return "is no int or timedelta"
