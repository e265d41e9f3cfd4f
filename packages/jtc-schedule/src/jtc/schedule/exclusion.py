from __future__ import annotations

from datetime import date, datetime
from typing import Any

from jtc.schedule.callback import check_call
from jtc.schedule.errors import InvalidTaskOption

_ALLOWED = (
    "give a date, a (first, last) pair of dates, a function of the time, or a list of "
    "these"
)
_PAIR = 2


def exclusions(option: str, value: object) -> tuple[Any, ...]:
    """Return what is excluded: pairs of dates, and functions.

    A tuple of two dates is a stretch of days; several days are a list.

    Raises:
        InvalidTaskOption: It is none of these, or the last day is before the first.

    Example:
        >>> exclusions("exclude", ["2026-12-25", (date(2026, 7, 1), date(2026, 7, 3))])
        ... # doctest: +NORMALIZE_WHITESPACE
        ((datetime.date(2026, 12, 25), datetime.date(2026, 12, 25)),
         (datetime.date(2026, 7, 1), datetime.date(2026, 7, 3)))
    """
    if isinstance(value, tuple) and any(isinstance(day, date | str) for day in value):
        return (_stretch(option, value),)
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(_exclusion(option, one) for one in value)
    return (_exclusion(option, value),)


def _exclusion(option: str, value: object) -> Any:
    if callable(value):
        check_call(option, value, "the time", is_sync=True)
        return value
    if isinstance(value, tuple):
        return _stretch(option, value)
    day = _day(option, value)
    return day, day


def _stretch(option: str, value: tuple[Any, ...]) -> tuple[date, date]:
    if len(value) != _PAIR:
        problem = "a tuple is the first and the last of several days; else give a list"
        raise InvalidTaskOption(option, value, problem)
    first, last = (_day(option, day) for day in value)
    if last < first:
        raise InvalidTaskOption(option, value, "the last day is before the first")
    return first, last


def _day(option: str, value: object) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise InvalidTaskOption(option, value, _ALLOWED) from None
    # A datetime is a date too, and of another zone perhaps.
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidTaskOption(option, value, _ALLOWED)
    return value
