from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypedDict

from jtc.jobs.errors import InvalidOption
from jtc.jobs.option_rules import check_option
from jtc.queue.duration import as_seconds

_LONGEST_KEY = 200
_OF_THE_CLASS = ("queue", "tries", "timeout", "tags")


class DispatchKeywords(TypedDict, total=False):
    """What may be said of one dispatch."""

    delay: float | timedelta
    at: datetime
    queue: str | None
    tries: int
    timeout: float
    unique_key: str
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """What is said of one dispatch; None leaves it to the class.

    Attributes:
        delay: Seconds, or a timedelta, to wait before the job may run, up to a year.
        at: An aware datetime before which the job does not run.
        queue: The queue to dispatch to.
        tries: How many attempts the job has before it fails for good.
        timeout: Seconds that one attempt may take.
        unique_key: Of jobs of the class with this key only one is in the queue at a
            time, whatever their payloads, as the class's `unique` says.
        tags: Words to find the job by, beside those of the class.
    """

    delay: float | None = None
    at: datetime | None = None
    queue: str | None = None
    tries: int | None = None
    timeout: float | None = None
    unique_key: str | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, job: str, said: Mapping[str, Any]) -> DispatchOptions:
        """Check what is said of a dispatch of the class `job`.

        Raises:
            InvalidOption: An option is unknown, its value is unusable, or both `delay`
                and `at` are given.
        """
        for option, value in said.items():
            _check(job, option, value)
        if said.get("delay") is not None and said.get("at") is not None:
            raise InvalidOption(job, "at", said["at"], "given without delay")
        delay = said.get("delay")
        return cls(
            **{
                **said,
                "delay": None if delay is None else as_seconds(delay),
                "tags": tuple(said.get("tags") or ()),
            }
        )

    def due(self, now: float) -> int:
        """Return the whole second, since the epoch, from which the job may run.

        0 means at once.
        """
        if self.delay:
            return -int(-(now + self.delay) // 1)
        return 0 if self.at is None else -int(-self.at.timestamp() // 1)


NO_OPTIONS = DispatchOptions()


def _check(job: str, option: str, value: object) -> None:
    if value is None:
        return
    if option in _OF_THE_CLASS:
        check_option(job, option, value)
        return
    rule = _RULES.get(option)
    if rule is None:
        known = ", ".join(field.name for field in fields(DispatchOptions))
        raise InvalidOption(job, option, value, f"one of {known}")
    is_allowed, allowed = rule
    if not is_allowed(value):
        raise InvalidOption(job, option, value, allowed)


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_KEY


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "delay": (
        lambda v: as_seconds(v) is not None,
        "a timedelta or a number of seconds from 0 up to a year",
    ),
    "at": (_is_aware, "an aware datetime"),
    "unique_key": (_is_key, "1 to 200 characters"),
}
