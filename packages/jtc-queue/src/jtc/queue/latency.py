from __future__ import annotations

import saq

from jtc.queue.retry_policy import next_delay


def waits_since(job: saq.Job) -> float:
    """Return about since when a job could have been taken, in epoch milliseconds."""
    if job.attempts and job.touched:
        # Its document does not say when the next try was due.
        return job.touched + next_delay(job) * 1000
    since: float = job.queued
    if job.meta:
        delay = job.meta.get("delay") if isinstance(job.meta, dict) else None
        since += delay * 1000 if isinstance(delay, int | float) else 0
    return max(since, job.scheduled * 1000)


def latency(job: saq.Job, *, now: float) -> float | None:
    """Return for how many seconds a job could have been taken before it was.

    None when it was tried before: then nobody knows.

    Args:
        job: The job, this attempt not counted.
        now: The server's clock in epoch seconds.
    """
    if job.attempts or not job.queued:
        return None
    # Of most jobs there is no more to know, and it is asked of each.
    since = waits_since(job) if job.meta or job.scheduled else job.queued
    waited = now - since / 1000
    return waited if waited > 0 else 0.0
