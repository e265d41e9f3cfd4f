"""What each option of a job may be: one line for each in the table at the end."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeGuard

from jtc.jobs.errors import InvalidOption
from jtc.jobs.middleware import is_middleware
from jtc.jobs.unique import Unique
from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidQueueName
from jtc.queue.exponential import Exponential
from jtc.queue.keys import QueueKeys

_MOST_TAGS = 20
_LONGEST_TAG = 100
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,199}")


def check_option(job: str, option: str, value: object) -> None:
    """Refuse a keyword of the class `job` that is unknown or of no use.

    Raises:
        InvalidOption: Naming the class, the option, and what it may be.
    """
    rule = _RULES.get(option)
    if rule is None:
        known = ", ".join(_RULES)
        raise InvalidOption(job, option, value, f"one of the options {known}")
    is_allowed, allowed = rule
    if not is_allowed(value):
        raise InvalidOption(job, option, value, allowed)


def _is_queue_name(value: object) -> bool:
    if value is None:
        return True
    try:
        QueueKeys(value)  # type: ignore[arg-type]  # it refuses what is no string
    except InvalidQueueName:
        return False
    return True


def _is_name(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_seconds(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and value >= 0


def _is_backoff(value: object) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_wait, value))
    return isinstance(value, Exponential) or _is_wait(value)


def _is_wait(value: object) -> bool:
    return not isinstance(value, timedelta) and as_seconds(value) is not None


def _is_until(value: object) -> bool:
    return value is None or bool(as_seconds(value))


def _are_errors(value: object) -> bool:
    classes = value if isinstance(value, tuple) else (value,)
    return all(isinstance(c, type) and issubclass(c, Exception) for c in classes)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_names(value: object) -> bool:
    return _is_list(value) and all(v is not None and _is_name(v) for v in value)


def _are_middleware(value: object) -> bool:
    return _is_list(value) and all(map(is_middleware, value))


def _are_tags(value: object) -> bool:
    return _is_list(value) and len(value) <= _MOST_TAGS and all(map(_is_tag, value))


def _is_tag(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_TAG
        and value.isprintable()
    )


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "queue": (_is_queue_name, "1 to 100 letters, digits, '.', '_' and '-'"),
    "timeout": (lambda v: _is_seconds(v) and v != 0, "a number of seconds above 0"),
    "tries": (lambda v: _is_whole(v) and v != 0, "a whole number from 1"),
    "backoff": (
        _is_backoff,
        "a number of seconds from 0 up to a year, a list of them, or an Exponential",
    ),
    "name": (_is_name, "1 to 200 letters, digits, '.', '_', ':' and '-'"),
    "result_ttl": (_is_whole, "a whole number of seconds from 0"),
    "retry_until": (
        _is_until,
        "a timedelta or a number of seconds, above 0 and up to a year, or None",
    ),
    "retry_on": (
        lambda v: v is None or (v != () and _are_errors(v)),
        "an exception class, a tuple of them, or None for all",
    ),
    "discard_on": (_are_errors, "an exception class or a tuple of them"),
    "aliases": (
        _are_names,
        "a list of former names, each of 1 to 200 letters, digits, '.', '_', ':', '-'",
    ),
    "unique": (lambda v: v is None or isinstance(v, Unique), "a Unique(...) or None"),
    "middleware": (
        _are_middleware,
        "a list of what takes (job, call_next) by `async def`, such as NoOverlap()",
    ),
    "tags": (_are_tags, "a list of at most 20 words of 1 to 100 characters"),
}
