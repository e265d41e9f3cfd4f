from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
# No zone has set its clocks twice in a week since 1970.
_PROBE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A moment at which the clocks of a time zone are set.

    Wall-clock times are written as if they were UTC, so that sums and differences with
    moments are exact.

    Attributes:
        at: The first moment of the new time.
        before: What the clocks were ahead of UTC until then.
        after: What they are ahead of UTC from then on.
    """

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def old(self) -> datetime:
        """What the clocks would have shown at `at`: the end of the old time."""
        return self.at + self.before

    @property
    def new(self) -> datetime:
        """What the clocks show at `at` instead."""
        return self.at + self.after

    @property
    def is_fold(self) -> bool:
        """Whether the clocks are set back, so that they show some times again."""
        return self.after < self.before


def clock_changes(timezone: str, after: datetime, until: datetime) -> list[ClockChange]:
    """Return the changes of a zone's clocks later than `after`, up to `until`.

    Args:
        timezone: An IANA name.
        after: An aware datetime in UTC.
        until: An aware datetime in UTC.

    Example:
        >>> winter, summer = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 7))
        >>> [change] = clock_changes("Europe/Lisbon", winter, summer)
        >>> change.at.isoformat()
        '2026-03-29T01:00:00+00:00'
    """
    return [
        change
        for year in range(after.year, until.year + 1)
        for change in _changes_in(timezone, year)
        if after < change.at <= until
    ]


def offset_at(zone: ZoneInfo, moment: datetime) -> timedelta:
    """Return what the clocks of a zone are ahead of UTC."""
    return moment.astimezone(zone).replace(tzinfo=UTC) - moment


@lru_cache(maxsize=4096)
def _changes_in(timezone: str, year: int) -> tuple[ClockChange, ...]:
    first = datetime(year, 1, 1, tzinfo=UTC) - SECOND
    last = datetime(year + 1, 1, 1, tzinfo=UTC) - SECOND
    return tuple(_probe(ZoneInfo(timezone), first, last))


def _probe(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[ClockChange]:
    moment, offset = first, offset_at(zone, first)
    while moment < last:
        probe = min(moment + _PROBE, last)
        if (found := offset_at(zone, probe)) == offset:
            moment = probe
            continue
        moment = _first_with_another_offset(zone, moment, probe)
        found = offset_at(zone, moment)
        yield ClockChange(moment, offset, found)
        offset = found


def _first_with_another_offset(
    zone: ZoneInfo, same: datetime, other: datetime
) -> datetime:
    offset = offset_at(zone, same)
    while other - same > SECOND:
        middle = same + (other - same) // 2
        middle = middle.replace(microsecond=0)
        if offset_at(zone, middle) == offset:
            same = middle
        else:
            other = middle
    return other
