from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from jtc.jobs.errors import InvalidOption
from jtc.queue.duration import as_seconds

if TYPE_CHECKING:
    from jtc.jobs.job import Job

Key = str | tuple[str, ...] | Callable[[Any], object]
"""A payload field, several, or what returns a value of JSON for a job."""

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What holds for the jobs of a class together, or for those with one key.

    Attributes:
        key: The payload fields whose values are the key, or a function that takes the
            job and returns it; all jobs of the class have the same one unless given.
        name: What is common to several classes; the class's own name unless given.

    Raises:
        InvalidOption: One of them is unusable.
    """

    key: Key | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not _is_key(self.key):
            allowed = "a payload field, a tuple of them, or a function of the job"
            raise self._invalid("key", allowed)
        if self.name is not None and not _is_name(self.name):
            raise self._invalid("name", f"1 to {_LONGEST_NAME} characters")

    def check_fields(self, job: str, fields: Collection[str]) -> None:
        """Refuse a key of fields that the class `job` does not have.

        Raises:
            InvalidOption: Naming the class.
        """
        if fields and not set(fields) >= {*self._fields}:
            allowed = f"keyed by fields of the payload: {', '.join(fields)}"
            raise InvalidOption(job, "middleware", self, allowed)

    def digest(self, job: Job, *rule: object) -> str:
        """Return what stands in Redis for the jobs that this holds for.

        Args:
            job: One of them.
            rule: What else tells it from others.

        Raises:
            InvalidOption: The job's key has no form in JSON.
        """
        told = [type(self).__name__, self.name or job.__jtc__.name, *rule]
        try:
            text = msgspec.json.encode([*told, self._value(job)], order="deterministic")
        except (TypeError, ValueError, AttributeError) as error:
            allowed = f"a value of each job that JSON can carry, but {error}"
            raise self._invalid("key", allowed) from error
        return hashlib.sha256(text).hexdigest()[:32]

    @property
    def _fields(self) -> tuple[str, ...]:
        if isinstance(self.key, str):
            return (self.key,)
        return self.key if isinstance(self.key, tuple) else ()

    def _value(self, job: Job) -> object:
        if callable(self.key):
            return self.key(job)
        return [getattr(job, field) for field in self._fields]

    def _seconds(self, option: str, *, least: float) -> float:
        seconds = as_seconds(getattr(self, option))
        if seconds is None or seconds < least:
            allowed = f"seconds or a timedelta, from {least:g} s up to a year"
            raise self._invalid(option, allowed)
        return seconds

    def _invalid(self, option: str, allowed: str) -> InvalidOption:
        value = getattr(self, option)
        return InvalidOption(type(self).__name__, option, value, allowed)


def is_count(value: object, *, most: int) -> bool:
    """Tell whether `value` is a whole number from 1 to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_key(key: object) -> bool:
    if isinstance(key, tuple):
        return bool(key) and all(_is_name(field) for field in key)
    if callable(key):
        return not inspect.iscoroutinefunction(key)
    return key is None or _is_name(key)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME
