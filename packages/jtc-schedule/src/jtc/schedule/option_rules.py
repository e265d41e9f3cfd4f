"""What each option of a task may be: one line for each in the table at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from jtc.schedule.callback import (
    hook_of_context,
    hook_of_error,
    hook_of_record,
    predicate,
)
from jtc.schedule.clock_time import clock_times
from jtc.schedule.duration import (
    seconds_above_zero,
    seconds_from_zero,
    waits,
    whole_seconds_from_zero,
)
from jtc.schedule.errors import InvalidTaskOption, near_words
from jtc.schedule.exclusion import exclusions
from jtc.schedule.payload import json_payload
from jtc.schedule.ping import ping_of
from jtc.schedule.weekday import days_of_the_week
from jtc.schedule.zone import zone_name

# What the keys of a queue allow; jtc-queue has a test that both agree.
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_.\-{}]{1,100}")

Rule = Callable[[str, Any], Any]
"""Takes an option and what was written; returns the value, or refuses it."""


def one_of(*words: str) -> Rule:
    """Return the rule of an option that takes one of a few words."""

    def check(option: str, value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        allowed = f"give {', '.join(map(repr, words[:-1]))} or {words[-1]!r}"
        near = near_words(value, words) if isinstance(value, str) else ""
        hint = f"did you mean {near}; {allowed}" if near else allowed
        raise InvalidTaskOption(option, value, hint)

    return check


def _zone(_: str, value: Any) -> str:
    return zone_name(value)


def _moment(option: str, value: object) -> datetime:
    if not isinstance(value, datetime):
        raise InvalidTaskOption(option, value, "give an aware datetime")
    if value.utcoffset() is None:
        problem = (
            "it has no time zone; write datetime(..., tzinfo=UTC) or "
            "tzinfo=ZoneInfo('Europe/Lisbon')"
        )
        raise InvalidTaskOption(option, value, problem)
    return value


def _count(option: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidTaskOption(option, value, "give a whole number from 1")
    return value


def _switch(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidTaskOption(option, value, "give True or False")
    return value


def _names(option: str, value: object) -> frozenset[str]:
    names = [value] if isinstance(value, str) else value
    if isinstance(names, Collection) and names and all(map(_is_name, names)):
        return frozenset(names)
    allowed = "give the name of an environment, as 'production', or several"
    raise InvalidTaskOption(option, value, allowed)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.strip() == value != ""


def _queue_name(option: str, value: object) -> str:
    if not isinstance(value, str) or not _QUEUE_NAME.fullmatch(value):
        allowed = "give 1 to 100 letters, digits, '.', '_' and '-'"
        raise InvalidTaskOption(option, value, allowed)
    return value


RULES: Mapping[str, Rule] = {
    "timezone": _zone,
    "dst": one_of("auto", "skip", "repeat"),
    "jitter": seconds_from_zero,
    "phase": whole_seconds_from_zero,
    "starts_at": _moment,
    "ends_at": _moment,
    "max_runs": _count,
    "exclude": exclusions,
    "when": predicate,
    "skip": predicate,
    "between": clock_times,
    "days": days_of_the_week,
    "environments": _names,
    "enabled": _switch,
    "overlap": one_of("skip", "allow", "buffer_one"),
    "catchup": one_of("latest", "all", "none"),
    "catchup_window": seconds_above_zero,
    "catchup_limit": _count,
    "run_on_start": _switch,
    "timeout": seconds_above_zero,
    "tries": _count,
    "backoff": waits,
    "queue": _queue_name,
    "payload": json_payload,
    "on_success": hook_of_context,
    "on_failure": hook_of_error,
    "on_skipped": hook_of_record,
    "on_missed": hook_of_record,
    "ping": ping_of,
    "expect_within": seconds_above_zero,
}
