from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import saq

from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.failure import read_failure
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.secret_fields import mask, payload_in, secret_names
from jtc.queue.wall_clock import moment_of

UNREADABLE = "This is no job of this queue; its text is in `raw`."


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed for good, as the queue keeps it.

    Attributes:
        id: The job's key: `JobHandle.id`.
        function: What workers were to run; None for what is no job of this queue.
        job_class: What the queue calls the `Job` class; None for a plain function.
        payload: The payload of a `Job`, the arguments of a plain function; fields that
            are marked `Secret` are masked.
        exception: The type of the error with its module; None when a worker died.
        message: What the error said.
        traceback: Where it came from.
        attempts: How often it was tried.
        tries: How often it may be tried.
        worker: Who ran it last.
        queued_at: When it was enqueued, in UTC.
        started_at: When the last attempt began, in UTC.
        failed_at: When it failed, in UTC, by the server's clock.
        raw: The text of what is no job of this queue; None for a job.
    """

    id: str
    function: str | None
    job_class: str | None
    payload: Mapping[str, Any]
    exception: str | None
    message: str
    traceback: str
    attempts: int
    tries: int
    worker: str | None
    queued_at: datetime | None
    started_at: datetime | None
    failed_at: datetime
    raw: str | None = None


def read_failed_job(
    queue: RedisQueue, job_id: str, document: bytes, *, failed_at: float
) -> FailedJob:
    """Read a failed job, or what was parked because it is no job.

    Args:
        queue: The queue that lists it.
        job_id: Its key in Redis.
        document: What Redis holds under that key.
        failed_at: When it failed, in epoch seconds.
    """
    key = key_of(queue, job_id)
    at = datetime.fromtimestamp(failed_at, tz=UTC)
    job = read_claimed_job(queue, document)
    if job is None or job.id != job_id:
        return _unreadable(key, document, failed_at=at)
    job_class, payload = call_of(job)
    error = job.error if isinstance(job.error, str) else ""
    failure = read_failure(job.meta, error)
    return FailedJob(
        id=key,
        function=job.function,
        job_class=job_class,
        payload=payload,
        exception=failure.exception,
        message=failure.message,
        traceback=error,
        attempts=job.attempts,
        tries=job.retries,
        worker=job.worker_id if isinstance(job.worker_id, str) else None,
        queued_at=moment_of(job.queued),
        started_at=moment_of(job.started),
        failed_at=at,
    )


def key_of(queue: RedisQueue, job_id: str) -> str:
    """Return the key of a job from its key in Redis; foreign ones are left as is."""
    return job_id.removeprefix(queue.job_id(""))


def call_of(job: saq.Job) -> tuple[str | None, Mapping[str, Any]]:
    """Return a job's class, None for a plain function, and its payload or arguments.

    They are fit to be shown: secret fields are masked.
    """
    name, payload = payload_in(job.kwargs or {})
    names = secret_names(job.meta) if job.meta else ()
    return name, mask(payload, names) if names else payload


def subject_of(job: saq.Job) -> str:
    """Return what a job runs: its class, or its function."""
    return payload_in(job.kwargs or {})[0] or job.function


def _unreadable(key: str, document: bytes, *, failed_at: datetime) -> FailedJob:
    return FailedJob(
        id=key,
        function=None,
        job_class=None,
        payload={},
        exception=None,
        message=UNREADABLE,
        traceback="",
        attempts=0,
        tries=0,
        worker=None,
        queued_at=None,
        started_at=None,
        failed_at=failed_at,
        raw=document.decode("utf-8", "backslashreplace"),
    )
