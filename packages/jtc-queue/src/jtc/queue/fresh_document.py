from __future__ import annotations

from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.codec import decode, encode
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


def fresh_document(
    queue: RedisQueue, job_id: str, document: bytes, *, now: int
) -> bytes | None:
    """Return the document of a failed job as if it had just been dispatched.

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
    kept = {k: v for k, v in decode(document).items() if k not in _OF_ATTEMPTS}
    meta = {k: v for k, v in job.meta.items() if k not in _OF_FAILURES}
    if (tick := tick_meta_of(meta)) is not None:
        # The tick has its outcome; what runs now is somebody's wish.
        meta["tick"] = tick_meta(tick["name"], tick["nominal"], kind="manual")
    times = {"status": "queued", "queued": now, "touched": now}
    return encode({**kept, "meta": meta, **times})
