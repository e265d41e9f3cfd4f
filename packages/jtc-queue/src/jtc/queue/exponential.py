from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidBackoff


@dataclass(frozen=True, slots=True)
class Exponential:
    """A back-off that grows: `base` seconds, then `factor` times as long each time.

    Attributes:
        base: Seconds after the first failed try.
        factor: What each wait is multiplied by to get the next.
        cap: Seconds that no wait exceeds.
        jitter: Whether to wait between half of that time and all of it, so that jobs
            that failed together do not all come back together.

    Raises:
        InvalidBackoff: A part is of no use.

    Example:
        >>> waits = Exponential(2, cap=30)
        >>> [waits.delay(failures, chance=1.0) for failures in range(1, 7)]
        [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
        >>> waits.delay(3, chance=0.0)
        4.0
    """

    base: float
    factor: float = 2
    cap: float = 3600
    jitter: bool = True

    def __post_init__(self) -> None:
        for name, value in (("base", self.base), ("cap", self.cap)):
            if isinstance(value, timedelta) or not as_seconds(value):
                raise InvalidBackoff(name, value, "a number of seconds above 0")
        if not _is_factor(self.factor):
            raise InvalidBackoff("factor", self.factor, "a number from 1")
        if not isinstance(self.jitter, bool):
            raise InvalidBackoff("jitter", self.jitter, "True or False")

    def delay(self, failures: int, *, chance: float) -> float:
        """Return the seconds between a failed try and the next.

        Args:
            failures: How many tries have failed by now, from 1.
            chance: The random part, from 0 to 1.
        """
        try:
            # As a float it overflows; a whole number would grow to millions of digits.
            growth = float(self.factor) ** (max(failures, 1) - 1)
            full = min(self.cap, self.base * growth)
        except OverflowError:
            full = self.cap
        return float(full * (0.5 + chance / 2 if self.jitter else 1))


def _is_factor(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 1 <= value < math.inf
