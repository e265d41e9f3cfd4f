from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from math import prod

from cronsim import CronSim

_HOURS_OF_DAY = 24
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_PARSED_AT = datetime(2000, 1, 1, tzinfo=UTC)
# A day that comes at all comes within 40 years: 29 February on one weekday around 2100.
_YEARS_LOOKED_AT = 50

#: Hours, minutes and seconds, of which every combination is meant.
_Times = tuple[list[int], list[int], list[int]]


class CronWalls:
    """The wall-clock times that a cron expression names, whatever clocks show them.

    The expression is read by cronsim, which also knows which days match. Wall-clock
    times are written as if they were UTC.

    Args:
        expression: Five or six fields; no macro, see `expand_expression`.

    Example:
        >>> walls = CronWalls("30 7 * * MON")
        >>> next(walls.after(datetime(2026, 11, 22, tzinfo=UTC))).isoformat()
        '2026-11-23T07:30:00+00:00'
    """

    def __init__(self, expression: str) -> None:
        parsed = CronSim(expression, _PARSED_AT)
        self._matches = parsed.match_day
        self._months = parsed.months
        self._hours = sorted(parsed.hours)
        self._minutes = sorted(parsed.minutes)
        self._seconds = sorted(parsed.seconds)

    def after(self, wall: datetime) -> Iterator[datetime]:
        """Yield the times later than `wall`."""
        start = wall.replace(microsecond=0) + _SECOND
        whole = [(self._hours, self._minutes, self._seconds)]
        for day in self._days_from(start.date()):
            rest = self._from(start) if day == start.date() else whole
            yield from _combinations(day, rest)

    def before(self, wall: datetime) -> Iterator[datetime]:
        """Yield the times earlier than `wall`, the latest first."""
        end = _whole_second_from(wall)
        whole = _backwards([(self._hours, self._minutes, self._seconds)])
        for day in self._days_back_from(end.date()):
            rest = _backwards(self._until(end)) if day == end.date() else whole
            yield from _combinations(day, rest)

    def every_hour(self) -> bool:
        """Return whether no hour of the day is left out."""
        return len(self._hours) == _HOURS_OF_DAY

    def includes(self, wall: datetime) -> bool:
        """Return whether `wall` is one of the times."""
        return self.count(wall, wall + _SECOND) == 1

    def count(self, first: datetime, end: datetime) -> int:
        """Return how many times there are from `first` on and before `end`.

        It costs as much as there are days, however many times each of them has.
        """
        first, end = _whole_second_from(first), _whole_second_from(end)
        if first >= end:
            return 0
        a_day = prod(map(len, (self._hours, self._minutes, self._seconds)))
        whole = sum(a_day for _ in self._days_from(first.date(), end.date()))
        return whole - self._count_of_day(first) + self._count_of_day(end)

    def _days_from(self, day: date, end: date = date.max) -> Iterator[date]:
        last_year = day.year + _YEARS_LOOKED_AT
        while day < end and day.year <= last_year:
            if day.month not in self._months:
                day = (day.replace(day=1) + 31 * _DAY).replace(day=1)
                continue
            if self._matches(day):
                yield day
                last_year = day.year + _YEARS_LOOKED_AT
            day += _DAY

    def _days_back_from(self, day: date) -> Iterator[date]:
        first_year = day.year - _YEARS_LOOKED_AT
        while day.year >= first_year:
            if day.month not in self._months:
                day = day.replace(day=1) - _DAY
                continue
            if self._matches(day):
                yield day
                first_year = day.year - _YEARS_LOOKED_AT
            day -= _DAY

    def _from(self, start: datetime) -> list[_Times]:
        """Return the times of a day from `start` on, the earliest first."""
        hour, minute, second = start.hour, start.minute, start.second
        this_hour = [hour] if hour in self._hours else []
        this_minute = [minute] if minute in self._minutes else []
        return [
            (this_hour, this_minute, _not_below(self._seconds, second)),
            (this_hour, _above(self._minutes, minute), self._seconds),
            (_above(self._hours, hour), self._minutes, self._seconds),
        ]

    def _until(self, end: datetime) -> list[_Times]:
        """Return the times of a day before `end`, the earliest first."""
        hour, minute, second = end.hour, end.minute, end.second
        this_hour = [hour] if hour in self._hours else []
        this_minute = [minute] if minute in self._minutes else []
        return [
            (_below(self._hours, hour), self._minutes, self._seconds),
            (this_hour, _below(self._minutes, minute), self._seconds),
            (this_hour, this_minute, _below(self._seconds, second)),
        ]

    def _count_of_day(self, end: datetime) -> int:
        """Return how many times there are on the day of `end` before it."""
        if end.month not in self._months or not self._matches(end.date()):
            return 0
        return sum(prod(map(len, times)) for times in self._until(end))


def _combinations(day: date, parts: Iterable[_Times]) -> Iterator[datetime]:
    for times in parts:
        for hour, minute, second in product(*times):
            yield datetime(
                day.year, day.month, day.day, hour, minute, second, tzinfo=UTC
            )


def _backwards(parts: list[_Times]) -> list[_Times]:
    return [(h[::-1], m[::-1], s[::-1]) for h, m, s in reversed(parts)]


def _whole_second_from(wall: datetime) -> datetime:
    floor = wall.replace(microsecond=0)
    return floor if floor == wall else floor + _SECOND


def _above(numbers: list[int], number: int) -> list[int]:
    return numbers[bisect_right(numbers, number) :]


def _not_below(numbers: list[int], number: int) -> list[int]:
    return numbers[bisect_left(numbers, number) :]


def _below(numbers: list[int], number: int) -> list[int]:
    return numbers[: bisect_left(numbers, number)]
