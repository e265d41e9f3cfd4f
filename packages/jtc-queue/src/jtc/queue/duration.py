from __future__ import annotations

from datetime import timedelta

LONGEST = 366 * 24 * 3600.0
"""Seconds; what is longer was hardly meant, and infinity has no place in a queue."""


def as_seconds(duration: object) -> float | None:
    """Return a `timedelta` or a number of seconds in seconds.

    Returns:
        None when it is no duration: of another type, negative, NaN, or over a year.

    Example:
        >>> as_seconds(timedelta(hours=1)), as_seconds(2), as_seconds(-1)
        (3600.0, 2, None)
    """
    if isinstance(duration, timedelta):
        duration = duration.total_seconds()
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        return None
    return duration if 0 <= duration <= LONGEST else None
