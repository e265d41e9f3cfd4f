from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from jtc.testing.errors import InvalidTravel


class Clock:
    """A clock that stands still until it is told to go on.

    It begins at the full second of the machine's clock.

    Example:
        >>> clock = Clock(datetime(2026, 3, 1, 8, tzinfo=UTC))
        >>> clock.travel(hours=3)
        >>> clock.now
        datetime.datetime(2026, 3, 1, 11, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._epoch = _floor(time.time()) if now is None else _epoch(now)
        self._lived = self._epoch

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self._epoch, UTC)

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment, earlier or later: no time has passed in between.

        Where a test begins: nothing falls due on the way.

        Args:
            moment: An aware datetime.

        Raises:
            InvalidTravel: It is naive.
        """
        self._epoch = self._lived = _epoch(moment)

    def travel(
        self,
        duration: timedelta | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Let so much time pass: the sum of what is given.

        What falls due meanwhile is run by the next `run_pending`.

        Raises:
            InvalidTravel: It is negative.
        """
        passed = (duration or timedelta()) + timedelta(
            weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
        )
        self.travel_to(self.now + passed)

    def travel_to(self, moment: datetime) -> None:
        """Let time pass until `moment`, an aware datetime.

        Raises:
            InvalidTravel: It is naive, or has passed.
        """
        epoch = _epoch(moment)
        if epoch < self._epoch:
            why = f"it is {self.now.isoformat()} and time goes forward; see set()"
            raise InvalidTravel(moment, why)
        self._epoch = epoch

    def time(self) -> float:
        """Return the time in epoch seconds."""
        return self._epoch

    @contextmanager
    def replay(self) -> Iterator[Callable[[float], None]]:
        """Go through the time since the last replay, moment by moment, until now.

        What it gives moves the clock on to a moment, in epoch seconds.
        """
        now, self._epoch = self._epoch, self._lived
        try:
            yield self._move_on
        finally:
            self._epoch = self._lived = now

    def _move_on(self, epoch: float) -> None:
        self._epoch = max(self._epoch, epoch)


def _epoch(moment: datetime) -> float:
    if moment.utcoffset() is None:
        raise InvalidTravel(moment, "it is in no time zone; give an aware datetime")
    return moment.timestamp()


def _floor(seconds: float) -> float:
    # A job with a delay is due at a full second: so it is after just that delay.
    return float(math.floor(seconds))
