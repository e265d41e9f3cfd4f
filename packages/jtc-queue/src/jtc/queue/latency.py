from __future__ import annotations

import math

import saq

from jtc.queue.retry_policy import next_delay


def waits_since(job: saq.Job) -> float | None:
    """Return about since when a job could have been taken, in epoch milliseconds.

    None when it cannot be told: whoever sent it has put something else there, and it
    can be run, and looked at, all the same.
    """
    try:
        since = _waits_since(job)
        return since if math.isfinite(since) else None
    except (TypeError, OverflowError):
        return None


def latency(job: saq.Job, *, now: float) -> float | None:
    """Return for how many seconds a job could have been taken before it was.

    None when it was tried before, or does not say when it was queued.

    Args:
        job: The job, this attempt not counted.
        now: The server's clock in epoch seconds.
    """
    if job.attempts or not job.queued:
        return None
    try:
        # Nearly all jobs could be taken from when they were queued.
        plain = not job.meta and not job.scheduled
        waited = now - (job.queued if plain else _waits_since(job)) / 1000
    except (TypeError, OverflowError):
        return None
    if waited > 0:
        return waited if waited < math.inf else None
    return 0.0 if math.isfinite(waited) else None


def _waits_since(job: saq.Job) -> float:
    if job.attempts and job.touched:
        # Its document does not say when the next try was due.
        return job.touched + next_delay(job) * 1000
    since: float = job.queued
    if job.meta:
        delay = job.meta.get("delay") if isinstance(job.meta, dict) else None
        since += delay * 1000 if isinstance(delay, int | float) else 0
    return max(since, job.scheduled * 1000)
