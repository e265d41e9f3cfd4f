from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import saq

from jtc.queue.failure import read_failure
from jtc.queue.job_moment import JobMoment, What
from jtc.queue.latency import waits_since
from jtc.queue.wall_clock import moment_of

_ENDS: dict[str, What] = {
    "complete": "complete",
    "failed": "failed",
    "aborted": "aborted",
    "aborting": "aborted",
}


def timeline_of(
    job: saq.Job,
    *,
    worker: str | None,
    is_running: bool,
    due: float | None,
    canceling: str | None,
) -> Iterator[JobMoment]:
    """Yield what has become of a job, in the order in which it did.

    The document tells of the last attempt only, and how often there were others.

    Args:
        job: The job.
        worker: Who runs it, or ran it last.
        is_running: Whether a worker holds it.
        due: When a delayed one is due, in epoch seconds.
        canceling: Why its worker was asked to stop it.
    """
    meta = job.meta if isinstance(job.meta, dict) else {}
    if job.queued:
        yield JobMoment(moment_of(job.queued), "queued")
    planned = waits_since(job)
    if not job.attempts and planned is not None and planned > job.queued:
        yield JobMoment(moment_of(planned), "due")
    yield from _interruptions(meta)
    is_over = not is_running and due is None and job.status in _ENDS
    yield from _attempts(job, worker, in_hand=is_running or is_over)
    if due and job.attempts:
        yield JobMoment(moment_of(due * 1000), "due", f"try {job.attempts + 1}")
    if canceling:
        yield JobMoment(None, "to be stopped", canceling)
    if is_over:
        detail = read_failure(meta, job.error).message
        yield JobMoment(moment_of(job.completed), _ENDS[job.status], detail)


def _interruptions(meta: dict[str, Any]) -> Iterator[JobMoment]:
    # A job's meta is its owner's, who may use the words for something else.
    kills, released = meta.get("kills"), meta.get("released")
    if isinstance(kills, int):
        times = "a worker" if kills == 1 else f"{kills} workers"
        yield JobMoment(None, "recovered", f"{times} died while running it")
    if isinstance(released, dict):
        detail = f"{_times(released.get('times'))}: {released.get('reason')}"
        yield JobMoment(None, "put off", detail)
    if "unresolvable" in meta:
        at = moment_of(meta.get("unresolvable_since"))
        detail = str(meta["unresolvable"])
        yield JobMoment(at, "waits for a worker that knows it", detail)


def _attempts(
    job: saq.Job, worker: str | None, *, in_hand: bool
) -> Iterator[JobMoment]:
    """Yield the attempts that went wrong, as one, and the one that is in hand."""
    wrong = max(0, job.attempts - in_hand)
    if wrong:
        error = "" if in_hand else read_failure({}, job.error).message
        detail = _times(wrong) + (f", at last: {error}" if error else "")
        yield JobMoment(None if in_hand else moment_of(job.touched), "retried", detail)
    if in_hand and job.started:
        place = f" by {worker}" if worker else ""
        detail = f"attempt {job.attempts} of {job.retries}{place}"
        yield JobMoment(moment_of(job.started), "started", detail)


def _times(number: object) -> str:
    return "once" if number == 1 else f"{number} times"
