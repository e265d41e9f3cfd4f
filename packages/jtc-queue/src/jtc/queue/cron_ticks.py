from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from jtc.queue.clock_change import SECOND, ClockChange, clock_changes, offset_at
from jtc.queue.cron_walls import CronWalls
from jtc.schedule import expand_expression
from jtc.schedule.options import Dst

_MICROSECOND = timedelta(microseconds=1)
_LONGEST_FOLD = timedelta(days=2)
_FIELDS_OF_DEBIAN = 5


@lru_cache(maxsize=1024)
def cron_ticks(expression: str, timezone: str | None, dst: Dst) -> CronTicks:
    """Return the ticks of an expression, which is parsed once while it is in use."""
    return CronTicks(expression, timezone, dst)


class CronTicks:
    """The moments that a cron expression names in a time zone.

    They are one set from wherever one looks: a moment comes once, and no walk depends
    on where it began. Moments are aware; those returned are in UTC.

    Args:
        expression: Five or six fields, or a macro.
        timezone: An IANA name; UTC unless given.
        dst: What becomes of wall-clock times that the clocks skip or show twice.
            With `skip`, those in a gap never come and those in a fold come once, the
            first time. With `repeat`, those in a gap come right after it, all at once,
            and those in a fold come twice. `auto` is Debian's rule: of five fields,
            with a minute and an hour that do not begin with a star, each time comes
            once, right after the gap or the first time in the fold; with any other
            expression it comes when the clocks show it, as often as they do.

    Example:
        >>> ticks = CronTicks("30 2 * * *", "America/New_York")
        >>> next(ticks.after(datetime(2026, 3, 8, tzinfo=UTC))).isoformat()
        '2026-03-08T07:00:00+00:00'
    """

    def __init__(
        self, expression: str, timezone: str | None = None, dst: Dst = "auto"
    ) -> None:
        expanded = expand_expression(expression)
        self.walls = CronWalls(expanded)
        self.timezone = None if timezone == "UTC" else timezone
        self.is_fixed = _is_fixed(expanded)
        self.runs_after_gaps = dst == "repeat" or (dst == "auto" and self.is_fixed)
        self.repeats_in_folds = dst == "repeat" or (dst == "auto" and not self.is_fixed)
        self._zone = ZoneInfo(self.timezone) if self.timezone else None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the ticks later than `moment`.

        They end when the next 50 years have none, which no valid expression does.
        """
        position = moment.astimezone(UTC)
        offset = self._offset_at(position)
        walls = self.walls.after(position + offset)
        while (wall := next(walls, None)) is not None:
            tick = wall - offset
            if not (changes := self.clock_changes(position, tick)):
                position = tick
                if self._is_tick(tick):
                    yield tick
                continue
            change = changes[0]
            position, offset = change.at, change.after
            if self._is_moved(wall, change):
                yield change.at
            if wall < change.new or self._comes_again(change):
                walls = self.walls.after(change.new - SECOND)
            else:
                walls = chain([wall], walls)

    def before(self, moment: datetime) -> Iterator[datetime]:
        """Yield the ticks earlier than `moment`, the latest first."""
        position = moment.astimezone(UTC) - _MICROSECOND
        offset = self._offset_at(position)
        walls = self.walls.before(position + _MICROSECOND + offset)
        while (wall := next(walls, None)) is not None:
            tick = wall - offset
            if not (changes := self.clock_changes(tick, position)):
                position = tick
                if self._is_tick(tick):
                    yield tick
                continue
            change = changes[-1]
            position, offset = change.at - SECOND, change.before
            if self._is_moved(wall, change):
                yield change.at
            if wall >= change.old or self._comes_again(change):
                walls = self.walls.before(change.old)
            else:
                walls = chain([wall], walls)

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many ticks are later than `after`, up to `until`.

        It costs as much as there are days and clock changes, not ticks.
        """
        after, until = after.astimezone(UTC), until.astimezone(UTC)
        start = self._first_wall(after)
        total = 0
        for change in self.clock_changes(after, until):
            total += self.walls.count(start, change.old)
            total += self._has_moved(change)
            start = self._new_wall(change)
        end = until + _MICROSECOND + self._offset_at(until)
        return total + self.walls.count(start, end)

    def clock_changes(self, after: datetime, until: datetime) -> list[ClockChange]:
        """Return the changes of the clocks later than `after`, up to `until`."""
        if self.timezone is None:
            return []
        return clock_changes(self.timezone, after, until)

    def _offset_at(self, moment: datetime) -> timedelta:
        return offset_at(self._zone, moment) if self._zone else timedelta(0)

    def _is_tick(self, moment: datetime) -> bool:
        """Return whether a moment counts at which the clocks show a matching time."""
        if self.repeats_in_folds or self._zone is None:
            return True
        return moment.astimezone(self._zone).fold == 0

    def _comes_again(self, change: ClockChange) -> bool:
        """Return whether any of the times is shown a second time."""
        return change.is_fold and self.walls.count(change.new, change.old) > 0

    def _is_moved(self, wall: datetime, change: ClockChange) -> bool:
        """Return whether a time is in a gap and comes right after it instead."""
        if not (self.runs_after_gaps and change.old <= wall < change.new):
            return False
        return not self.walls.includes(change.new)

    def _has_moved(self, change: ClockChange) -> bool:
        wall = next(self.walls.after(change.old - SECOND), None)
        return wall is not None and self._is_moved(wall, change)

    def _first_wall(self, after: datetime) -> datetime:
        """Return from which time on the clocks show what counts after a moment."""
        wall = after + self._offset_at(after) + _MICROSECOND
        if changes := self.clock_changes(after - _LONGEST_FOLD, after):
            return max(wall, self._new_wall(changes[-1]))
        return wall

    def _new_wall(self, change: ClockChange) -> datetime:
        """Return the first time after a change that counts."""
        if change.is_fold and not self.repeats_in_folds:
            return change.old
        return change.new


def _is_fixed(expression: str) -> bool:
    fields = expression.split()
    if len(fields) != _FIELDS_OF_DEBIAN:
        return False
    minute, hour, *_ = fields
    return not minute.startswith("*") and not hour.startswith("*")
