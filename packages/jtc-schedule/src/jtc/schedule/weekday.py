from __future__ import annotations

from collections.abc import Collection

from jtc.schedule.errors import InvalidTaskOption, near_words

# fmt: off
NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
# fmt: on
_SHORT = 3
_GROUPS = {"weekdays": frozenset({1, 2, 3, 4, 5}), "weekends": frozenset({0, 6})}
_SUNDAY_TOO = 7
_ALLOWED = "give 'mon' to 'sun', 'weekdays', 'weekends', or 0 (Sunday) to 7 (Sunday)"


def days_of_the_week(option: str, value: object) -> frozenset[int]:
    """Return days of the week as numbers; 0 is Sunday.

    Raises:
        InvalidTaskOption: There is none, or one that is unknown.

    Example:
        >>> sorted(days_of_the_week("days", ["mon", "Thursday", 7]))
        [0, 1, 4]
        >>> sorted(days_of_the_week("days", "weekends"))
        [0, 6]
    """
    if isinstance(value, str) or not isinstance(value, Collection):
        return _numbers_of(option, value)
    if not value:
        problem = f"without a day there would never be a run; {_ALLOWED}, or None"
        raise InvalidTaskOption(option, value, problem)
    return frozenset().union(*(_numbers_of(option, day) for day in value))


def _numbers_of(option: str, day: object) -> frozenset[int]:
    if isinstance(day, str):
        return _named(option, day)
    if isinstance(day, int) and not isinstance(day, bool) and 0 <= day <= _SUNDAY_TOO:
        return frozenset({day % _SUNDAY_TOO})
    raise InvalidTaskOption(option, day, _ALLOWED)


def _named(option: str, day: str) -> frozenset[int]:
    word = day.strip().lower()
    if word in _GROUPS:
        return _GROUPS[word]
    for number, name in enumerate(NAMES):
        if word in (name, name[:_SHORT]):
            return frozenset({number})
    near = near_words(word, [*NAMES, *_GROUPS, *(name[:_SHORT] for name in NAMES)])
    hint = f"did you mean {near}; {_ALLOWED}" if near else _ALLOWED
    raise InvalidTaskOption(option, day, hint)
