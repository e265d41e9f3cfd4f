"""What becomes of a job when an attempt ends: each function decides, none acts."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from saq.job import Status
from saq.utils import now

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import as_json, encode
from jtc.queue.document import document_of
from jtc.queue.errors import NotRunnableHere, ThreadStillRuns
from jtc.queue.redis_queue import seconds_kept
from jtc.queue.settlement import Kind, Settlement

logger = logging.getLogger(__name__)

# How many workers a job may take down with it before it is parked.
MAX_KILLS = 3
ELSEWHERE_WAIT = 10.0
ELSEWHERE_LIMIT = 3600.0


def begin(job: ClaimedJob, *, worker: str) -> None:
    """Note that an attempt of `job` begins."""
    job.status = Status.ACTIVE
    job.attempts += 1
    job.worker_id = worker
    job.started = job.touched = now()


def running(job: ClaimedJob) -> Settlement:
    """Make the attempt visible to those who look at the job's document."""
    return _settlement(job, "update", 0)


def completed(job: ClaimedJob, result: Any) -> Settlement:
    """End the attempt with a result.

    What JSON cannot carry of it does not undo the work: its text form is kept.
    """
    job.status, job.result, job.error, job.progress = Status.COMPLETE, result, None, 1.0
    job.completed = job.touched = now()
    return _settlement(job, "done", job.ttl)


def raised(job: ClaimedJob, error: BaseException) -> Settlement:
    """End the attempt with an error: try again, elsewhere, or fail for good."""
    if isinstance(error, NotRunnableHere):
        return elsewhere(job, error)
    text = _writable("".join(traceback.format_exception(error)))
    may_retry = job.retryable and not isinstance(error, ThreadStillRuns)
    return retried(job, text) if may_retry else failed(job, text)


def retried(job: ClaimedJob, error: str) -> Settlement:
    """Queue the job once more, after its back-off."""
    wait = job.next_retry_delay()
    _reset(job, error)
    return _settlement(job, "retry", round(wait * 1000))


def failed(job: ClaimedJob, error: str) -> Settlement:
    """Fail the job for good; it is kept for a week."""
    job.restore()
    job.status, job.error, job.result = Status.FAILED, error, None
    job.completed = job.touched = now()
    return _settlement(job, "failed", seconds_kept(job))


def aborted(job: ClaimedJob, reason: str) -> Settlement:
    """End the job because somebody canceled it."""
    job.status, job.error, job.result = Status.ABORTED, reason, None
    job.completed = job.touched = now()
    return _settlement(job, "done", job.ttl)


def released(job: ClaimedJob, *, wait: float = 0.0) -> Settlement:
    """Give the job back as if it had never been claimed; `wait` in seconds.

    A document that does not say "active" was not written since the claim, and does not
    count this attempt.
    """
    if job.status == Status.ACTIVE:
        job.attempts -= 1
    _reset(job, job.error)
    return _settlement(job, "release", round(wait * 1000))


def elsewhere(job: ClaimedJob, error: BaseException) -> Settlement:
    """Give the job back for a worker that knows it; fail it after an hour of that."""
    since = job.meta.setdefault("unresolvable_since", now())
    if now() - since > ELSEWHERE_LIMIT * 1000:
        return failed(job, f"unresolvable: {error}")
    job.meta["unresolvable"] = _writable(str(error))
    return released(job, wait=ELSEWHERE_WAIT)


def lost(job: ClaimedJob) -> Settlement:
    """Give back the job of a worker that died; park it when it has killed too many."""
    kills = _kills(job) + 1
    job.meta["kills"] = kills
    if kills >= MAX_KILLS:
        return failed(job, f"poison: {kills} workers died while running this job")
    return released(job)


def _kills(job: ClaimedJob) -> int:
    # A job's meta is its owner's, who may use the word for something else.
    kills = job.meta.get("kills", 0)
    return kills if isinstance(kills, int) else 0


def _writable(text: str) -> str:
    # A lone surrogate, as in an undecodable file name, has no form in JSON.
    return text.encode("utf-8", "replace").decode("utf-8")


def _reset(job: ClaimedJob, error: str | None) -> None:
    job.restore()
    job.status, job.error = Status.QUEUED, error
    job.completed = job.started = 0
    job.progress = 0.0
    job.touched = now()


def _settlement(job: ClaimedJob, kind: Kind, number: int) -> Settlement:
    return Settlement(job.id, job.claim, kind, _document(job), number, job.status.value)


def _document(job: ClaimedJob) -> bytes:
    queue = job.get_queue()
    try:
        return encode(document_of(job))
    except (TypeError, ValueError, RecursionError) as error:
        logger.warning(
            "Job %s of queue %s holds what JSON cannot carry; its text is kept: %s",
            job.key,
            queue.name,
            error,
            extra={"action": "not_json", "job_id": job.key},
        )
    job.result, job.kwargs = as_json(job.result), _as_object(job.kwargs)
    job.meta = _as_object(job.meta) or {}
    return encode(document_of(job))


def _as_object(value: dict[str, Any] | None) -> dict[str, Any] | None:
    carried = as_json(value)
    return carried if isinstance(carried, dict | None) else {"text": carried}
