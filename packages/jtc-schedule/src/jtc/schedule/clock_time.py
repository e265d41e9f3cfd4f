from __future__ import annotations

import re
from datetime import time

from jtc.schedule.errors import InvalidTaskOption

_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_ALLOWED = "give a time of the day, 'HH:MM' or 'HH:MM:SS', from '00:00' to '23:59:59'"
_PAIR = 2


def clock_time(option: str, value: object) -> time:
    """Return a time of the day.

    Raises:
        InvalidTaskOption: It is none, has a zone of its own, or parts of a second.

    Example:
        >>> clock_time("at", "9:30")
        datetime.time(9, 30)
    """
    if isinstance(value, str):
        return _parse(option, value)
    if not isinstance(value, time):
        raise InvalidTaskOption(option, value, _ALLOWED)
    if value.tzinfo is not None:
        problem = "leave out its zone; times are in the zone of the task, see timezone="
        raise InvalidTaskOption(option, value, problem)
    if value.microsecond:
        raise InvalidTaskOption(option, value, "leave out the parts of a second")
    return value


def clock_times(option: str, value: object) -> tuple[time, time]:
    """Return the first and the last time of a part of the day; it may span midnight.

    Raises:
        InvalidTaskOption: It is not a pair of times, or nothing is between them.
    """
    if not isinstance(value, tuple | list) or len(value) != _PAIR:
        allowed = "give the first and the last time, as in ('09:00', '17:00')"
        raise InvalidTaskOption(option, value, allowed)
    first, last = (clock_time(option, moment) for moment in value)
    if first == last:
        problem = "nothing is between two equal times; for the whole day leave it out"
        raise InvalidTaskOption(option, value, problem)
    return first, last


def is_between(moment: time, first: time, last: time) -> bool:
    """Return whether a time is in a part of the day, to which both ends belong."""
    if first <= last:
        return first <= moment <= last
    return moment >= first or moment <= last


def _parse(option: str, text: str) -> time:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise InvalidTaskOption(option, text, _ALLOWED)
    hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return time(hour, minute, second)
    except ValueError:  # such as 25:00
        raise InvalidTaskOption(option, text, _ALLOWED) from None
