"""The cron expressions that the sentences of `Schedule` stand for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import time

from jtc.schedule.clock_time import clock_time
from jtc.schedule.errors import InvalidTaskOption
from jtc.schedule.weekday import NAMES, days_of_the_week

_PAIR = 2


def hourly(at: int) -> str:
    """Return the expression of a minute of each hour.

    Example:
        >>> hourly(17)
        '17 * * * *'
    """
    return f"{_number('at', at, 0, 59)} * * * *"


def daily(at: str | time, date: str = "* * *") -> str:
    """Return the expression of a time of the day on the days of a date field.

    Example:
        >>> daily("13:00"), daily("7:30:15", "1 * *")
        ('0 13 * * *', '15 30 7 1 * *')
    """
    return f"{_clock(clock_time('at', at))} {date}"


def twice_daily(at: Sequence[str | time]) -> str:
    """Return the expression of two hours of the day with the same minute.

    Example:
        >>> twice_daily(("08:30", "20:30"))
        '30 8,20 * * *'
    """
    if isinstance(at, str) or not isinstance(at, Sequence) or len(at) != _PAIR:
        raise InvalidTaskOption("at", at, "give two times, as in ('08:00', '20:00')")
    first, second = (clock_time("at", moment) for moment in at)
    if first == second:
        raise InvalidTaskOption("at", at, "the two times are one; write daily(at=)")
    if first.replace(hour=0) != second.replace(hour=0):
        problem = "an expression has one minute for both; declare two tasks"
        raise InvalidTaskOption("at", at, problem)
    hours = f"{min(first, second).hour},{max(first, second).hour}"
    return f"{_clock(first, hours)} * * *"


def weekly(on: str | int | Collection[str | int], at: str | time) -> str:
    """Return the expression of days of the week.

    Example:
        >>> weekly("sun", "08:00"), weekly(["thu", "mon"], "08:00")
        ('0 8 * * SUN', '0 8 * * MON,THU')
    """
    names = [NAMES[day][:3].upper() for day in sorted(days_of_the_week("on", on))]
    return daily(at, f"* * {','.join(names)}")


def monthly(day: int, at: str | time, months: str = "*") -> str:
    """Return the expression of a day of months.

    Example:
        >>> monthly(15, "06:00"), monthly(1, "00:00", "1,4,7,10")
        ('0 6 15 * *', '0 0 1 1,4,7,10 *')
    """
    return daily(at, f"{_number('day', day, 1, 31)} {months} *")


def yearly(month: int, day: int, at: str | time) -> str:
    """Return the expression of a day of the year.

    Example:
        >>> yearly(12, 24, "18:00")
        '0 18 24 12 *'
    """
    return monthly(day, at, str(_number("month", month, 1, 12)))


def _clock(moment: time, hours: str = "") -> str:
    fields = f"{moment.minute} {hours or moment.hour}"
    return f"{moment.second} {fields}" if moment.second else fields


def _number(part: str, value: object, first: int, last: int) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value not in range(first, last + 1):
        problem = f"give a whole number from {first} to {last}"
        raise InvalidTaskOption(part, value, problem)
    return value  # type: ignore[return-value]  # in a range there are only numbers
