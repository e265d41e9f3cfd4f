from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.failed_job import key_of, subject_of
from jtc.queue.presence import ask_presence, read_presence
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.running_job import RunningJob
from jtc.queue.wall_clock import moment_of
from jtc.queue.worker_status import WorkerStatus

MOST_JOBS = 1000
"""How many running jobs are looked at."""


async def read_workers(queue: RedisQueue) -> Sequence[WorkerStatus]:
    """Ask in two calls which workers are at a queue, and how they are.

    Returns:
        In the order of their ids, also those that died in the last minute.
    """
    async with queue.redis.pipeline(transaction=True) as pipe:
        ask_presence(pipe, queue.keys)
        pipe.hgetall(queue.keys.claims)
        *signs, claims = await pipe.execute()
    presence = read_presence(queue.keys, signs)
    names = presence.names
    reports, jobs = await _read_documents(queue, names, claims)
    return [
        presence.status(name, report, jobs[name])
        for name, report in zip(names, reports, strict=True)
    ]


async def _read_documents(
    queue: RedisQueue, names: Sequence[str], claims: Mapping[bytes, bytes]
) -> tuple[list[bytes | None], Mapping[str, list[RunningJob]]]:
    """Return what each worker says of itself, and what each has in hand."""
    holders = [
        (job_id.decode(), claim.decode().split()[0])
        for job_id, claim in islice(claims.items(), MOST_JOBS)
    ]
    ids = [f"{queue.keys.report}{name}" for name in names]
    ids += [job_id for job_id, _ in holders]
    found = await queue.redis.mget(ids) if ids else []
    jobs = defaultdict(list)
    for (job_id, worker), document in zip(holders, found[len(names) :], strict=True):
        jobs[worker].append(_read_running_job(queue, job_id, document))
    return found[: len(names)], jobs


def _read_running_job(
    queue: RedisQueue, job_id: str, document: bytes | None
) -> RunningJob:
    job = read_claimed_job(queue, document)
    key = key_of(queue, job_id)
    if job is None:
        return RunningJob(key, "?", None)
    # A document that does not say "active" is older than the claim.
    is_shown = job.status == "active"
    started = moment_of(job.started) if is_shown else None
    return RunningJob(key, subject_of(job), started)
