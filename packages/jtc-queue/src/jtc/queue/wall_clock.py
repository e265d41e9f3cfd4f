from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Returns the time in epoch seconds."""


def epoch_seconds() -> float:
    """Return the time by this process's clock.

    What two workers must agree on is decided by the server's clock, not by this one.
    """
    return _clock()


def epoch_ms() -> int:
    """Return the time by this process's clock as SAQ writes it into jobs."""
    return int(_clock() * 1000)


def moment_of(milliseconds: object) -> datetime | None:
    """Return a time of a job's document in UTC; None when it says none."""
    if not isinstance(milliseconds, int | float) or not milliseconds:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


@contextmanager
def wall_clock(clock: Clock) -> Iterator[None]:
    """Let the whole process read the time from `clock` for as long as the block lasts.

    Example:
        >>> with wall_clock(lambda: 1.5):
        ...     epoch_seconds(), epoch_ms()
        (1.5, 1500)
    """
    global _clock  # noqa: PLW0603 - a process has one
    former, _clock = _clock, clock
    try:
        yield
    finally:
        _clock = former


_clock: Clock = time.time
