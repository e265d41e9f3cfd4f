from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class IntervalTicks:
    """The multiples of an interval since the epoch, the same on every node.

    Attributes:
        interval: Whole seconds.
        phase: By how much each tick comes after the multiple.

    Example:
        >>> ticks = IntervalTicks(timedelta(hours=1), timedelta(minutes=5))
        >>> next(ticks.after(datetime(2026, 11, 22, tzinfo=UTC))).isoformat()
        '2026-11-22T00:05:00+00:00'
    """

    interval: timedelta
    phase: timedelta = timedelta(0)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the ticks later than `moment`, in UTC, without end."""
        tick = self._last(moment)
        while True:
            tick += self.interval
            yield tick

    def before(self, moment: datetime) -> Iterator[datetime]:
        """Yield the ticks earlier than `moment`, in UTC, the latest first."""
        tick = self._last(moment - _MICROSECOND)
        while True:
            yield tick
            tick -= self.interval

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many ticks are later than `after`, up to `until`."""
        return max(0, (self._last(until) - self._last(after)) // self.interval)

    def _last(self, moment: datetime) -> datetime:
        """Return the newest tick up to `moment`."""
        passed = (moment - _EPOCH - self.phase) // self.interval
        return _EPOCH + self.phase + passed * self.interval
