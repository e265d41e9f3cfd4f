"""What becomes of a job when an attempt ends: each function decides, none acts."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from saq.job import Status

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import as_json, encode
from jtc.queue.document import document_of
from jtc.queue.errors import Discard, TickSkipped
from jtc.queue.failure import (
    Failure,
    describe_failure,
    headline,
    read_failure,
    writable,
)
from jtc.queue.job_fields import job_fields
from jtc.queue.measures import Outcome
from jtc.queue.progress import clear_progress
from jtc.queue.redis_queue import seconds_kept
from jtc.queue.retry_policy import next_delay
from jtc.queue.secret_fields import veil_of
from jtc.queue.settlement import Kind, Settlement
from jtc.queue.tick_end import TickEnd, cancellation, tick_end_of
from jtc.queue.verdict import Verdict, judge_now
from jtc.queue.wall_clock import epoch_ms

logger = logging.getLogger(__name__)

# How many workers a job may take down with it before it is parked.
MAX_KILLS = 3
ELSEWHERE_WAIT = 10.0
ELSEWHERE_LIMIT = 3600.0


def begin(job: ClaimedJob, *, worker: str) -> None:
    """Note that an attempt of `job` begins."""
    job.status = Status.ACTIVE
    job.attempts += 1
    job.attempt = job.attempts
    job.worker_id = worker
    job.started = job.touched = epoch_ms()


def running(job: ClaimedJob) -> Settlement:
    """Make the attempt visible to those who look at the job's document."""
    return _settlement(job, "update", 0)


def completed(job: ClaimedJob, result: Any) -> Settlement:
    """End the attempt with a result.

    What JSON cannot carry of it does not undo the work: its text form is kept.
    """
    job.status, job.result, job.error, job.progress = Status.COMPLETE, result, None, 1.0
    job.completed = job.touched = epoch_ms()
    return _settlement(job, "done", job.ttl, tick_end_of(job), outcome="complete")


def raised(
    job: ClaimedJob, error: BaseException, verdict: Verdict | None = None
) -> Settlement:
    """End the attempt with an error.

    Args:
        job: The job.
        error: What its function raised, or what stands for how it was stopped.
        verdict: What becomes of the job; decided here unless given.
    """
    verdict, veil = verdict or judge_now(job, error), veil_of(job)
    shown = veil.error(error)
    if verdict.kind == "elsewhere":
        return elsewhere(job, shown)
    if verdict.kind == "release":
        return put_off(job, str(shown), wait=verdict.wait)
    if isinstance(error, TickSkipped):
        return skipped(job, error)
    if verdict.kind == "discard":
        reason = str(shown) if isinstance(error, Discard) else headline(shown)
        discarded = f"discarded: {writable(reason)}"
        return _given_up(job, discarded, error=discarded, outcome="discarded")
    text = writable("".join(traceback.format_exception(shown)))
    job.failure = describe_failure(error, veil)
    if verdict.kind == "retry":
        return retried(job, text, wait=verdict.wait)
    return failed(job, text, job.failure, summary=headline(shown))


def retried(job: ClaimedJob, error: str, *, wait: float | None = None) -> Settlement:
    """Queue the job once more, after `wait` seconds or its back-off."""
    if wait is None:
        wait = next_delay(job)
    _reset(job, error)
    return _settlement(job, "retry", round(wait * 1000), outcome="retried")


def failed(
    job: ClaimedJob,
    error: str,
    failure: Failure | None = None,
    *,
    summary: str | None = None,
) -> Settlement:
    """Fail the job for good; it is kept for a week.

    Args:
        job: The job.
        error: The traceback, or another reason.
        failure: What it failed with; read from `error` unless given.
        summary: `error` in one line, if it has more.
    """
    job.restore()
    job.failure = failure or read_failure({}, error)
    job.meta = {**_meta_of(job), **job.failure.as_meta()}
    job.status, job.error, job.result = Status.FAILED, error, None
    job.completed = job.touched = epoch_ms()
    end = tick_end_of(job, error=summary or error)
    return _settlement(job, "failed", seconds_kept(job), end, outcome="failed")


def aborted(job: ClaimedJob, reason: str) -> Settlement:
    """End the job because somebody canceled it."""
    return _given_up(job, reason, error=cancellation(reason), outcome="canceled")


def skipped(job: ClaimedJob, skip: TickSkipped) -> Settlement:
    """End a tick's job because a condition of its task was against it."""
    return _given_up(
        job, str(skip), error=skip.error, outcome="skipped", reason=skip.condition
    )


def released(job: ClaimedJob, *, wait: float = 0.0, reason: str = "") -> Settlement:
    """Give the job back as if it had never been claimed; `wait` in seconds.

    A document that does not say "active" was not written since the claim, and does not
    count this attempt.
    """
    if job.status == Status.ACTIVE:
        job.attempts -= 1
    _reset(job, job.error)
    outcome: Outcome | None = "released" if job.attempt else None
    number = round(wait * 1000)
    return _settlement(job, "release", number, outcome=outcome, reason=reason)


def put_off(job: ClaimedJob, reason: str, *, wait: float) -> Settlement:
    """Give the job back because it asked for that; its document says how often."""
    job.meta = _meta_of(job)
    times = times_put_off(job) + 1
    job.meta["released"] = {"times": times, "reason": writable(reason)}
    return released(job, wait=wait, reason=writable(reason))


def times_put_off(job: ClaimedJob) -> int:
    """Return how often the job was given back because it asked for that."""
    # A job's meta is its owner's, who may use the word for something else.
    noted = job.meta.get("released")
    times = noted.get("times") if isinstance(noted, dict) else None
    return times if isinstance(times, int) else 0


def elsewhere(job: ClaimedJob, error: BaseException) -> Settlement:
    """Give the job back for a worker that knows it; fail it after an hour of that."""
    job.meta = _meta_of(job)
    since = job.meta.setdefault("unresolvable_since", epoch_ms())
    if epoch_ms() - since > ELSEWHERE_LIMIT * 1000:
        kind = describe_failure(error).exception
        text = f"unresolvable: {writable(str(error))}"
        return failed(job, text, Failure(kind, text))
    job.meta["unresolvable"] = writable(str(error))
    return released(job, wait=ELSEWHERE_WAIT, reason=job.meta["unresolvable"])


def left(job: ClaimedJob) -> Settlement:
    """Note that the worker ends before the attempt does, as it should."""
    job.meta["left"] = True
    return _settlement(job, "update", 0)


def lost(job: ClaimedJob) -> Settlement:
    """Give back the job of a worker that died; park it when it has killed too many."""
    attempt = job.attempts + (job.status != Status.ACTIVE)
    settlement = _lost(job)
    # Known from now on, and not before: it is not an attempt of this worker.
    job.attempt = attempt
    return settlement


def _lost(job: ClaimedJob) -> Settlement:
    if job.meta.pop("left", False):
        return released(job)
    kills = _kills(job) + 1
    job.meta["kills"] = kills
    if kills >= MAX_KILLS:
        return failed(job, f"poison: {kills} workers died while running this job")
    return released(job)


def _given_up(
    job: ClaimedJob,
    text: str,
    *,
    error: str | None,
    outcome: Outcome,
    reason: str = "",
) -> Settlement:
    job.status, job.error, job.result = Status.ABORTED, text, None
    job.completed = job.touched = epoch_ms()
    record = f"skipped:{reason}" if outcome == "skipped" else None
    end = tick_end_of(job, outcome=record, error=error)
    return _settlement(job, "done", job.ttl, end, outcome=outcome, reason=reason)


def is_suspect(job: ClaimedJob) -> bool:
    """Tell whether one more dead worker would park the job."""
    return bool(job.meta) and _kills(job) >= MAX_KILLS - 1


def _kills(job: ClaimedJob) -> int:
    # A job's meta is its owner's, who may use the word for something else.
    kills = job.meta.get("kills", 0)
    return kills if isinstance(kills, int) else 0


def _reset(job: ClaimedJob, error: str | None) -> None:
    job.restore()
    job.status, job.error = Status.QUEUED, error
    job.completed = job.started = 0
    clear_progress(job)
    job.touched = epoch_ms()


def _settlement(
    job: ClaimedJob,
    kind: Kind,
    number: int,
    tick: TickEnd | None = None,
    *,
    outcome: Outcome | None = None,
    reason: str = "",
) -> Settlement:
    return Settlement(
        job.id,
        job.claim,
        kind,
        _document(job),
        number,
        job.status.value,
        job.get_queue().name,
        tick,
        job,
        outcome,
        reason,
    )


def _document(job: ClaimedJob) -> bytes:
    queue = job.get_queue()
    job.meta = _meta_of(job)
    if job.tick is not None:
        # The function may have taken it away, and the next attempt is the same tick's.
        job.meta["tick"] = job.tick
    try:
        return encode(document_of(job))
    except (TypeError, ValueError, RecursionError) as error:
        logger.warning(
            "Job %s of queue %s holds what JSON cannot carry; its text is kept: %s",
            job.key,
            queue.name,
            veil_of(job).text(str(error)),
            extra={"action": "not_json", **job_fields(job)},
        )
    job.result, job.kwargs = as_json(job.result), _as_object(job.kwargs)
    job.meta = _as_object(job.meta) or {}
    return encode(document_of(job))


def _meta_of(job: ClaimedJob) -> dict[Any, Any]:
    # The function may have put something else there; a document with that is no job.
    return job.meta if isinstance(job.meta, dict) else {}


def _as_object(value: dict[str, Any] | None) -> dict[str, Any] | None:
    carried = as_json(value)
    return carried if isinstance(carried, dict | None) else {"text": carried}
