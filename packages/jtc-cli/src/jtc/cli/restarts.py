from __future__ import annotations

import signal

FIRST_DELAY = 0.25
LONGEST_DELAY = 10.0
SETTLED_AFTER = 10.0
"""Seconds; a process that lived for longer did not die at once."""


def count_deaths(before: int, *, lived: float) -> int:
    """Return how many times in a row a process has died at once.

    Args:
        before: The count so far.
        lived: Seconds that the process has lived.

    Example:
        >>> count_deaths(3, lived=0.5), count_deaths(3, lived=3600.0)
        (4, 1)
    """
    return 1 if lived > SETTLED_AFTER else before + 1


def restart_delay(deaths: int) -> float:
    """Return how many seconds to wait before a process is started again.

    Example:
        >>> [restart_delay(deaths) for deaths in (1, 2, 3, 20)]
        [0.25, 0.5, 1.0, 10.0]
    """
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(deaths - 1, 10))


def describe_end(status: int) -> str:
    """Say how a process has ended.

    Args:
        status: As `subprocess` counts it.

    Example:
        >>> describe_end(1), describe_end(-9)
        ('it ended with status 1', 'it was killed by SIGKILL')
    """
    if status >= 0:
        return f"it ended with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"
