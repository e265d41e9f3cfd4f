from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.failed_job import key_of, moment_of, subject_of
from jtc.queue.redis_queue import RedisQueue


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker has in hand.

    Attributes:
        id: The job's key: `JobHandle.id`.
        name: The `Job` class, or the function; "?" for what is no job of this queue.
        started: When the attempt began, in UTC; None in its first moment.
    """

    id: str
    name: str
    started: datetime | None


def read_running_job(
    queue: RedisQueue, job_id: str, document: bytes | None
) -> RunningJob:
    """Read a job that is claimed.

    Args:
        queue: The queue.
        job_id: Its key in Redis.
        document: What Redis holds under that key.
    """
    job = read_claimed_job(queue, document)
    key = key_of(queue, job_id)
    if job is None:
        return RunningJob(key, "?", None)
    # A document that does not say "active" is older than the claim.
    is_shown = job.status == "active"
    started = moment_of(job.started) if is_shown else None
    return RunningJob(key, subject_of(job), started)
