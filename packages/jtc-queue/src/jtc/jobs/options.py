from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypedDict

from jtc.jobs.errors import InvalidOption
from jtc.jobs.middleware import Middleware
from jtc.jobs.option_rules import check_option
from jtc.jobs.unique import Unique
from jtc.queue.duration import as_seconds
from jtc.queue.exponential import Exponential
from jtc.queue.retry_policy import RetryPolicy
from jtc.queue.verdict import ErrorRules

_LISTS = ("backoff", "aliases", "middleware", "tags")
ErrorClasses = type[Exception] | tuple[type[Exception], ...]


class JobKeywords(TypedDict, total=False):
    """The class keywords that a `Job` subclass may be given."""

    queue: str | None
    timeout: float
    tries: int
    backoff: float | Sequence[float] | Exponential
    name: str | None
    result_ttl: int
    retry_until: float | timedelta | None
    retry_on: ErrorClasses | None
    discard_on: ErrorClasses
    aliases: Sequence[str]
    unique: Unique | None
    middleware: Sequence[Middleware]
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How the jobs of a class are queued and run.

    Attributes:
        queue: The queue to dispatch to; the process's own unless given.
        timeout: Seconds that one attempt may take; the queue rounds it up.
        tries: How many attempts a job has before it fails for good.
        backoff: Seconds between a failed attempt and the next; several, of which the
            last repeats; or `Exponential`.
        name: What the class is called in the queue, so that it may be renamed or moved;
            its module and qualified name unless given. Subclasses do not inherit it.
        result_ttl: Seconds that a result is kept; 0 keeps none.
        retry_until: Seconds after the dispatch, later than which no attempt but the
            first begins.
        retry_on: Only after these errors is a job tried again; after any when None.
        discard_on: Errors after which a job is given up without having failed.
        aliases: What the class was called before: jobs that wait under such a name are
            its own. Subclasses do not inherit them.
        unique: Of equal jobs only one is in the queue at a time.
        middleware: What runs around each attempt, the first one outermost.
        tags: Words to find its jobs by, at most 20.
    """

    queue: str | None = None
    timeout: float = 300
    tries: int = 1
    backoff: float | tuple[float, ...] | Exponential = 0
    name: str | None = None
    result_ttl: int = 600
    retry_until: float | None = None
    retry_on: tuple[type[Exception], ...] | None = None
    discard_on: tuple[type[Exception], ...] = ()
    aliases: tuple[str, ...] = ()
    unique: Unique | None = None
    middleware: tuple[Middleware, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def retry_policy(self) -> RetryPolicy:
        """When a failed job is tried again, as the queue knows it."""
        return RetryPolicy(self.backoff, self.retry_until)

    @property
    def error_rules(self) -> ErrorRules:
        """Which errors end a job, as the queue knows it."""
        return ErrorRules(self.retry_on, self.discard_on)

    def derive(self, job: str, changes: Mapping[str, Any]) -> JobOptions:
        """Return the options of the subclass `job`: these with `changes`, not the name.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.

        Example:
            >>> JobOptions(tries=3, name="a").derive("B", {"timeout": 60})
            ... # doctest: +NORMALIZE_WHITESPACE
            JobOptions(queue=None, timeout=60, tries=3, backoff=0, name=None,
                       result_ttl=600, retry_until=None, retry_on=None, discard_on=(),
                       aliases=(), unique=None, middleware=(), tags=())
        """
        for option, value in changes.items():
            check_option(job, option, value)
        frozen = {option: _frozen(option, value) for option, value in changes.items()}
        derived = replace(self, **{"name": None, "aliases": (), **frozen})
        if changes.get("retry_until") is not None and derived.tries == 1:
            allowed = "given together with tries=2 or more"
            raise InvalidOption(job, "retry_until", changes["retry_until"], allowed)
        return derived


def _frozen(option: str, value: Any) -> Any:
    """Return the value of a checked option in the form that a class keeps."""
    if option == "retry_until":
        return None if value is None else as_seconds(value)
    if option in _LISTS and isinstance(value, Sequence):
        return tuple(value)
    if option in ("retry_on", "discard_on") and isinstance(value, type):
        return (value,)
    return value
