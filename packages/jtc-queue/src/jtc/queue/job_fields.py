"""What a log record says of the job that it is about."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.secret_fields import payload_in, veil_of

# The job of the attempt that runs here, in its own task or in a thread of it.
current_job: ContextVar[ClaimedJob | None] = ContextVar("jtc_job", default=None)


def hide_secrets(text: str) -> str:
    """Return a text without the secrets of the job that runs here, if one does."""
    job = current_job.get()
    return text if job is None else veil_of(job).text(text)


def shown_error(error: BaseException) -> BaseException:
    """Return an error as it may be logged while a job runs here."""
    job = current_job.get()
    return error if job is None else veil_of(job).error(error)


def job_fields(job: ClaimedJob) -> dict[str, Any]:
    """Return the fields by which logs are searched for a job."""
    job_class, _ = payload_in(job.kwargs or {})
    fields: dict[str, Any] = {"job_id": job.key}
    if job_class is None:
        fields["function"] = job.function
    else:
        fields["job_class"] = job_class
    fields["queue"] = job.get_queue().name
    # One that is given back has spent no try, and still it was one.
    fields["attempt"] = job.attempt or job.attempts
    if job.worker_id:
        fields["worker"] = job.worker_id
    if job.tick is not None:
        nominal = datetime.fromtimestamp(job.tick["nominal"], tz=UTC)
        fields |= {"task": job.tick["name"], "tick": nominal.isoformat()}
    return fields
