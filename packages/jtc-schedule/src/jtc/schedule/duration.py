from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from jtc.schedule.errors import InvalidTaskOption

# A year with a leap day: what is longer was hardly meant, and a queue keeps no longer
# waits either.
LONGEST = 366 * 24 * 3600


def seconds_from_zero(option: str, value: object) -> float:
    """Return a duration of at least 0 in seconds.

    Raises:
        InvalidTaskOption: It is none, negative, or longer than a year.

    Example:
        >>> seconds_from_zero("jitter", timedelta(minutes=1))
        60
    """
    seconds = _as_number(value)
    if seconds is None or not 0 <= seconds <= LONGEST:
        allowed = "give seconds or a timedelta, from 0 up to a year"
        raise InvalidTaskOption(option, value, allowed)
    return seconds


def seconds_above_zero(option: str, value: object) -> float:
    """Return a duration above 0 in seconds.

    Raises:
        InvalidTaskOption: It is none, not positive, or longer than a year.
    """
    seconds = _as_number(value)
    if seconds is None or not 0 < seconds <= LONGEST:
        allowed = "give seconds or a timedelta, above 0 and up to a year"
        raise InvalidTaskOption(option, value, allowed)
    return seconds


def whole_seconds_from_zero(option: str, value: object) -> int:
    """Return a duration of at least 0 in whole seconds.

    Raises:
        InvalidTaskOption: It is none, negative or not whole.
    """
    seconds = _as_number(value)
    if seconds is None or seconds < 0 or seconds != int(seconds):
        allowed = "give whole seconds or a timedelta of them, from 0"
        raise InvalidTaskOption(option, value, allowed)
    return int(seconds)


def waits(option: str, value: object) -> Any:
    """Return a back-off: seconds, a tuple of them, or an object that has `delay`.

    Raises:
        InvalidTaskOption: It is neither, or an empty list.

    Example:
        >>> waits("backoff", [1, timedelta(minutes=1)])
        (1, 60)
    """
    if callable(getattr(value, "delay", None)):
        return value
    if not isinstance(value, list | tuple):
        return seconds_from_zero(option, value)
    if not value:
        raise InvalidTaskOption(option, value, "give at least one wait, or 0")
    return tuple(seconds_from_zero(option, wait) for wait in value)


def _as_number(value: object) -> float | None:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None
