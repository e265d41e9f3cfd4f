from __future__ import annotations

from datetime import datetime

UNITS = (("d", 86400), ("h", 3600), ("min", 60))
# From two of a unit on: "90 s" says more than "1 min".
FEWEST = 2


def describe_duration(seconds: float) -> str:
    """Return a length of time in words, in the largest unit that is still exact enough.

    Example:
        >>> [describe_duration(s) for s in (0.0042, 1.25, 90, 7260, 200_000)]
        ['4 ms', '1.2 s', '90 s', '2 h', '2 d']
    """
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 - a tenth of a second still tells something
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    return describe_seconds(int(seconds))


def describe_seconds(seconds: int) -> str:
    """Return whole seconds in words, rounded down to the unit.

    Example:
        >>> describe_seconds(7260)
        '2 h'
    """
    for unit, size in UNITS:
        if seconds >= FEWEST * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def describe_wait(moment: datetime, *, now: datetime) -> str:
    """Return how long it is until `moment`.

    Example:
        >>> now = datetime(2026, 3, 1, 9)
        >>> describe_wait(datetime(2026, 3, 1, 9, 4), now=now)
        'in 4 min'
    """
    seconds = int((moment - now).total_seconds())
    return f"in {describe_seconds(seconds)}" if seconds > 0 else "now"


def describe_age(moment: datetime, *, now: datetime) -> str:
    """Return how long ago `moment` was.

    Example:
        >>> now = datetime(2026, 3, 1, 9)
        >>> describe_age(datetime(2026, 3, 1, 7), now=now)
        '2 h ago'
    """
    seconds = int((now - moment).total_seconds())
    return f"{describe_seconds(seconds)} ago" if seconds > 0 else "just now"
