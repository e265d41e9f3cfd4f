"""What is told and counted of attempts, once the queue knows what they came to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.end_log import log_end
from jtc.queue.events import (
    JobCanceled,
    JobCompleted,
    JobEnded,
    JobFailed,
    JobRecovered,
    JobReleased,
    JobRetried,
    JobStarted,
    TickMissed,
    TickSkipped,
)
from jtc.queue.failed_job import subject_of
from jtc.queue.failure import read_failure
from jtc.queue.listeners import announce, is_heard
from jtc.queue.measures import Outcome
from jtc.queue.settlement import Settlement
from jtc.queue.tick_record import TickRecord

if TYPE_CHECKING:
    from jtc.queue.redis_queue import RedisQueue

_EVENTS: dict[Outcome, type[JobEnded]] = {
    "complete": JobCompleted,
    "retried": JobRetried,
    "failed": JobFailed,
    "released": JobReleased,
    "canceled": JobCanceled,
    "discarded": JobCanceled,
}


def observe_start(job: ClaimedJob, *, now: float) -> None:
    """Count and tell that an attempt begins."""
    measures = job.get_queue().measures
    if job.waited is not None:
        measures.waits.add(job.waited)
    if job.tick is not None and job.attempt == 1 and job.tick["kind"] == "ran":
        measures.lateness.add(max(0.0, now - job.tick["nominal"]))
    if is_heard(JobStarted):
        announce(JobStarted(**_about(job), waited=job.waited))


def observe_end(queue: RedisQueue, settlement: Settlement) -> None:
    """Count and tell what an attempt came to.

    A tick that a condition skipped when its job ran is a skipped tick and no ended job.
    """
    job, outcome = settlement.job, settlement.outcome
    if job is None or outcome is None:
        return
    log_end(job, outcome)
    if job.took is not None:
        queue.measures.ran(subject_of(job), outcome, job.took)
    if outcome == "skipped":
        _observe_skip(queue, job, settlement.reason)
    elif is_heard(_EVENTS[outcome]):
        announce(_event(job, outcome, settlement))


def observe_recovery(queue: RedisQueue, job: ClaimedJob) -> None:
    """Count and tell that a job was taken back from a dead worker."""
    queue.measures.recovered += 1
    if is_heard(JobRecovered):
        announce(JobRecovered(**_about(job)))


def observe_ticks(queue: RedisQueue, record: TickRecord) -> None:
    """Count and tell of ticks that did not run."""
    outcome, _, reason = record.outcome.partition(":")
    if outcome == "missed":
        queue.measures.ticks["missed", reason] += record.count
        kind: type[TickMissed | TickSkipped] = TickMissed
    else:
        queue.measures.ticks["skipped", reason] += record.count
        kind = TickSkipped
    if is_heard(kind):
        announce(
            kind(
                queue=queue.name,
                name=record.name,
                tick=record.tick,
                until=record.until,
                count=record.count,
                reason=reason,
            )
        )


def _observe_skip(queue: RedisQueue, job: ClaimedJob, reason: str) -> None:
    if job.tick is None:
        return
    at = datetime.fromtimestamp(job.tick["nominal"], tz=UTC)
    outcome = f"skipped:{reason}"
    name = job.tick["name"]
    observe_ticks(
        queue, TickRecord(name=name, tick=at, until=at, outcome=outcome, at=at)
    )


def _event(job: ClaimedJob, outcome: Outcome, settlement: Settlement) -> JobEnded:
    about: dict[str, Any] = {**_about(job), "seconds": job.took}
    error = job.error if isinstance(job.error, str) else ""
    if outcome in ("retried", "released"):
        about["wait"] = settlement.number / 1000
    if outcome == "released":
        about["reason"] = settlement.reason
    if outcome in ("retried", "failed"):
        failure = job.failure or read_failure({}, error)
        about |= {"exception": failure.exception, "message": failure.message}
    if outcome == "failed":
        about["traceback"] = error
    if outcome in ("canceled", "discarded"):
        about["reason"] = error
    return _EVENTS[outcome](**about)


def _about(job: ClaimedJob) -> dict[str, Any]:
    about: dict[str, Any] = {
        "queue": job.get_queue().name,
        "id": job.key,
        "name": subject_of(job),
        # One that is given back has spent no try, and still it was one.
        "attempt": job.attempt,
        "worker": job.worker_id or "",
    }
    if job.tick is not None:
        about["task"] = job.tick["name"]
        about["tick"] = datetime.fromtimestamp(job.tick["nominal"], tz=UTC)
    return about
