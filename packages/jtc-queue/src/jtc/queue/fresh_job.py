from __future__ import annotations

import dataclasses

import saq
from saq.job import Status

from jtc.queue.claimed_job import ClaimedJob, read_claimed_job
from jtc.queue.failure import META as FAILURE
from jtc.queue.progress import clear_progress
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.tick import tick_meta, tick_meta_of

# What an attempt leaves in a document, and the engine in its `meta`.
_OF_ATTEMPTS = frozenset(
    {
        "attempts",
        "completed",
        "error",
        "progress",
        "result",
        "scheduled",
        "started",
        "worker_id",
    }
)
_OF_FAILURES = frozenset(
    {FAILURE, "kills", "left", "unresolvable", "unresolvable_since"}
)
_AS_NEW = {
    field.name: field.default
    for field in dataclasses.fields(saq.Job)
    if field.name in _OF_ATTEMPTS
}


def fresh_job(
    queue: RedisQueue, job_id: str, document: bytes, *, now: int
) -> ClaimedJob | None:
    """Return a failed job as if it had just been dispatched.

    Args:
        queue: The queue that lists it.
        job_id: Its key in Redis.
        document: What Redis holds under that key.
        now: The time in epoch milliseconds, as SAQ counts it.

    Returns:
        None when it is no job of this queue.
    """
    job = read_claimed_job(queue, document)
    if job is None or job.id != job_id:
        return None
    clear_progress(job)
    vars(job).update(_AS_NEW)
    job.meta = {k: v for k, v in job.meta.items() if k not in _OF_FAILURES}
    if (tick := tick_meta_of(job.meta)) is not None:
        # The tick has its outcome; what runs now is somebody's wish.
        job.meta["tick"] = tick_meta(tick["name"], tick["nominal"], kind="manual")
    job.status = Status.QUEUED
    job.queued = job.touched = now
    return job
