from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import decode, encode
from jtc.queue.failure import writable
from jtc.queue.secret_fields import payload_in


class FailureLine(NamedTuple):
    """What is known of a failed job without its document.

    Attributes:
        id: The job's key.
        function: What workers were to run; None for what is no job.
        job_class: What the queue calls the `Job` class; None for a plain function.
        exception: The type of the error with its module; None when there was none.
        message: What the error said.
        at: When it failed, in epoch seconds.
    """

    id: str
    function: str | None
    job_class: str | None
    exception: str | None
    message: str
    at: float

    @property
    def name(self) -> str | None:
        """The class, or the function of a job that has none."""
        return self.job_class or self.function

    @property
    def failed_at(self) -> datetime:
        """When it failed, in UTC."""
        return datetime.fromtimestamp(self.at, tz=UTC)


def failure_line(job: ClaimedJob | None) -> str:
    """Return what the queue keeps of a failed job to find it by; empty for nothing."""
    if job is None or job.failure is None:
        return ""
    name, _ = payload_in(job.kwargs or {})
    return write_line(job.function, name, job.failure.exception, job.failure.message)


def write_line(
    function: str | None, job_class: str | None, exception: str | None, message: str
) -> str:
    """Return a line's text: JSON."""
    parts = (function, job_class, exception, message)
    return encode([part and writable(part) for part in parts]).decode()


def read_line(key: str, text: bytes, *, at: float) -> FailureLine:
    """Read a line.

    Args:
        key: The job's key.
        text: What `write_line` wrote.
        at: When it failed, in epoch seconds.

    Example:
        >>> text = write_line("sync", None, "OSError", "no route").encode()
        >>> read_line("one", text, at=0.0).name
        'sync'
    """
    function, job_class, exception, message = decode(text)
    return FailureLine(key, function, job_class, exception, message, at)
