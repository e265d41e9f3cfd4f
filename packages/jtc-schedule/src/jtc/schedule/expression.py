from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from jtc.schedule.errors import InvalidCronExpression
from jtc.schedule.field import (
    DAY,
    FIELDS,
    LAST,
    LAST_OF_MONTH,
    LAST_WORKDAY,
    MONTH,
    WEEKDAY,
    Field,
    Item,
)

_MACROS = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
_LENGTHS = (
    *((month, 31) for month in (1, 3, 5, 7, 8, 10, 12)),
    *((month, 30) for month in (4, 6, 9, 11)),
    *((2, 28), (2, 29)),
)
_SATURDAY = 6


def check_expression(expression: str) -> None:
    """Refuse a cron expression that is malformed or can never fire.

    Raises:
        InvalidCronExpression: The message names the field, the value and what
            is allowed.

    Example:
        >>> check_expression("*/5 9-17 * * MON-FRI")
        >>> check_expression("0 61 * * *")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        jtc.schedule.errors.InvalidCronExpression: ...hour '61' is not allowed...
    """
    expand_expression(expression)
    _check(expression)


# Schedules of many customers are of a few kinds.
@lru_cache(maxsize=1024)
def _check(expression: str) -> None:
    texts = expand_expression(expression).split()
    *clock, days, months, weekdays = _fields_for(expression, texts)
    for field, text in clock:
        _parse(expression, field, text)
    if not _can_fire(expression, days, months, weekdays):
        raise InvalidCronExpression(
            expression,
            f"can never fire: {DAY.name} {days[1]!r} never comes in {MONTH.name} "
            f"{months[1]!r} together with {WEEKDAY.name} {weekdays[1]!r}",
        )


def expand_expression(expression: str) -> str:
    """Return an expression without macros, in upper case and single-spaced.

    Two expressions that expand to the same text fire at the same times. The fields
    themselves are not checked, see `check_expression`.

    Raises:
        InvalidCronExpression: It is not a string, or an unknown macro.

    Example:
        >>> expand_expression("@daily")
        '0 0 * * *'
        >>> expand_expression("0  9 * * mon-fri")
        '0 9 * * MON-FRI'
    """
    if not isinstance(expression, str):
        raise InvalidCronExpression(expression, "give a string such as '0 * * * *'")
    text = " ".join(expression.upper().split())
    if not text.startswith("@"):
        return text
    if text not in _MACROS:
        known = ", ".join(_MACROS).lower()
        raise InvalidCronExpression(expression, f"unknown macro; known are {known}")
    return _MACROS[text]


def _fields_for(expression: str, texts: list[str]) -> list[tuple[Field, str]]:
    unused = len(FIELDS) - len(texts)
    if unused not in (0, 1):
        names = " ".join(field.name for field in FIELDS[1:])
        raise InvalidCronExpression(
            expression,
            f"has {len(texts)} fields; give 5 ({names}) or 6 (second in front of them)",
        )
    return list(zip(FIELDS[unused:], texts, strict=True))


def _parse(expression: str, field: Field, text: str) -> set[Item]:
    items: set[Item] = set()
    for term in text.split(","):
        try:
            items |= field.parse(term)
        except ValueError:
            problem = f"{field.name} {term!r} is not allowed; give {field.allowed()}"
            hint = field.hint(term)
            raise InvalidCronExpression(
                expression, f"{problem}; {hint}" if hint else problem
            ) from None
    return items


def _can_fire(expression: str, *date: tuple[Field, str]) -> bool:
    days, months, weekdays = (_parse(expression, *part) for part in date)
    # The Debian rule: with a leading star both day fields have to match, else either.
    both = any(text.startswith("*") for field, text in date if field is not MONTH)
    # The calendar repeats after 400 years, in which a month of each length begins on
    # each weekday; 29 February falls on a given weekday every 40 years at the latest.
    for length, begins in product(_lengths(months), range(7)):
        by_date = set(_dates(days, length, begins))
        by_weekday = set(_dates_on(weekdays, length, begins))
        if by_date & by_weekday if both else by_date | by_weekday:
            return True
    return False


def _lengths(months: set[Item]) -> set[int]:
    return {length for month, length in _LENGTHS if month in months}


def _dates(days: set[Item], length: int, begins: int) -> Iterator[int]:
    last_weekday = (begins + length - 1) % 7
    workdays_end = length - {0: 2, _SATURDAY: 1}.get(last_weekday, 0)
    for date in range(1, length + 1):
        if date in days:
            yield date
    if LAST in days:
        yield length
    if LAST_WORKDAY in days:
        yield workdays_end


def _dates_on(weekdays: set[Item], length: int, begins: int) -> Iterator[int]:
    for date in range(1, length + 1):
        weekday = (begins + date - 1) % 7
        nths = {(date + 6) // 7} | ({LAST_OF_MONTH} if date + 7 > length else set())
        # Sunday is 0 and 7.
        for number in {weekday, weekday or 7}:
            if number in weekdays or any((number, nth) in weekdays for nth in nths):
                yield date
