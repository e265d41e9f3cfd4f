from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidFilter
from jtc.queue.failed_job import FailedJob
from jtc.queue.failure_line import FailureLine


@dataclass(frozen=True, slots=True)
class FailedJobFilter:
    """Which failed jobs are meant: those that fit every part that is given.

    Attributes:
        job_class: The class's name in the queue, or the last part of it.
        function: The function's name.
        exception: The type of the error, its name, or the last part of that.
        since: Those that failed at that time or later; an aware datetime.
        older_than: Those that failed longer ago; seconds or a `timedelta`.
        text: What stands in the id, the class or function, the exception or the
            message; upper and lower case are the same.
        group: The class or function and the exception; of a `FailedGroup`, its `key`.

    Raises:
        InvalidFilter: A time has no time zone, or a duration is none.
    """

    job_class: str | None = None
    function: str | None = None
    exception: type[BaseException] | str | None = None
    since: datetime | None = None
    older_than: float | timedelta | None = None
    text: str | None = None
    group: tuple[str | None, str | None] | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.since.tzinfo is None:
            raise InvalidFilter("since", self.since, "a datetime with a time zone")
        if self.older_than is not None and as_seconds(self.older_than) is None:
            allowed = "a timedelta or a number of seconds, up to a year"
            raise InvalidFilter("older_than", self.older_than, allowed)

    def times(self, *, now: float) -> tuple[float | str, float | str]:
        """Return the first and the last time, in epoch seconds; `-inf` is no limit."""
        first = "-inf" if self.since is None else self.since.timestamp()
        age = as_seconds(self.older_than)
        return first, now if age is None else now - age

    @property
    def takes_all(self) -> bool:
        """Whether all jobs are meant, leaving aside when they failed."""
        parts = (self.job_class, self.function, self.exception, self.text, self.group)
        return parts == (None,) * len(parts)

    def fits(self, job: FailedJob | FailureLine) -> bool:
        """Tell whether a job is meant, leaving aside when it failed."""
        name = job.job_class or job.function
        if self.group is not None and (name, job.exception) != self.group:
            return False
        if self.text is not None and not _holds(job, self.text):
            return False
        if self.function is not None and job.function != self.function:
            return False
        if self.job_class is not None and not is_named(job.job_class, self.job_class):
            return False
        if self.exception is None:
            return True
        return is_named(job.exception, _name_of(self.exception))


def is_named(name: str | None, wanted: str) -> bool:
    """Tell whether a dotted name is the one that is wanted, or ends in it.

    Example:
        >>> is_named("shop.jobs.Pay", "Pay"), is_named("shop.jobs.Repay", "Pay")
        (True, False)
    """
    return name is not None and f".{name}".endswith(f".{wanted}")


def _holds(job: FailedJob | FailureLine, text: str) -> bool:
    parts = (job.id, job.job_class or job.function, job.exception, job.message)
    return text.casefold() in "\n".join(filter(None, parts)).casefold()


def _name_of(exception: type[BaseException] | str) -> str:
    if isinstance(exception, str):
        return exception
    name = exception.__qualname__
    module = exception.__module__
    return name if module == "builtins" else f"{module}.{name}"
