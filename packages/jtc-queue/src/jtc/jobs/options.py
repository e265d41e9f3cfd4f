from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

from jtc.jobs.errors import InvalidOption
from jtc.queue.errors import InvalidQueueName
from jtc.queue.keys import QueueKeys

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,199}")


class JobKeywords(TypedDict, total=False):
    """The class keywords that a `Job` subclass may be given."""

    queue: str | None
    timeout: float
    tries: int
    backoff: float
    name: str | None
    result_ttl: int


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How the jobs of a class are queued and run.

    Attributes:
        queue: The queue to dispatch to; the process's own unless given.
        timeout: Seconds that one attempt may take; the queue rounds it up.
        tries: How many attempts a job has before it fails for good.
        backoff: Seconds between a failed attempt and the next.
        name: What the class is called in the queue, so that it may be renamed or moved;
            its module and qualified name unless given. Subclasses do not inherit it.
        result_ttl: Seconds that a result is kept; 0 keeps none.
    """

    queue: str | None = None
    timeout: float = 300
    tries: int = 1
    backoff: float = 0
    name: str | None = None
    result_ttl: int = 600

    def derive(self, job: str, changes: Mapping[str, Any]) -> JobOptions:
        """Return the options of the subclass `job`: these with `changes`, not the name.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.

        Example:
            >>> JobOptions(tries=3, name="a").derive("B", {"timeout": 60})
            ... # doctest: +NORMALIZE_WHITESPACE
            JobOptions(queue=None, timeout=60, tries=3, backoff=0, name=None,
                       result_ttl=600)
        """
        for option, value in changes.items():
            _check(job, option, value)
        return replace(self, **{"name": None, **changes})


def _check(job: str, option: str, value: object) -> None:
    rule = _RULES.get(option)
    if rule is None:
        known = ", ".join(field.name for field in fields(JobOptions))
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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "queue": (_is_queue_name, "1 to 100 letters, digits, '.', '_' and '-'"),
    "timeout": (lambda v: _is_seconds(v) and v != 0, "a number of seconds above 0"),
    "tries": (lambda v: _is_whole(v) and v != 0, "a whole number from 1"),
    "backoff": (_is_seconds, "a number of seconds from 0"),
    "name": (_is_name, "1 to 200 letters, digits, '.', '_', ':' and '-'"),
    "result_ttl": (_is_whole, "a whole number of seconds from 0"),
}
