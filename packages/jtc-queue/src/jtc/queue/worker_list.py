from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from jtc.queue.claims import LEASE_MS
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.reporting import KEPT
from jtc.queue.running_job import RunningJob, read_running_job
from jtc.queue.worker_status import Signs, WorkerStatus, read_worker_status

MOST_JOBS = 1000
"""How many running jobs are looked at."""

Times = Mapping[str, float]


async def read_workers(queue: RedisQueue) -> Sequence[WorkerStatus]:
    """Ask in two calls which workers are at a queue, and how they are.

    Returns:
        In the order of their ids, also those that died in the last minute.
    """
    keys = queue.keys
    async with queue.redis.pipeline(transaction=True) as pipe:
        pipe.time()
        pipe.zrange(keys.workers, 0, -1, withscores=True)
        pipe.zrange(keys.reports, 0, -1, withscores=True)
        pipe.hgetall(keys.claims)
        (seconds, micros), leases, reports, claims = await pipe.execute()
    now = seconds * 1000 + micros / 1000
    expiries = {worker.decode(): float(score) for worker, score in leases}
    times = {
        key.decode().removeprefix(keys.report): float(score) - KEPT * 1000
        for key, score in reports
    }
    names = sorted({*expiries, *times})
    documents, jobs = await _read_documents(queue, names, claims)
    found = (
        Signs(
            report=document,
            reported=times.get(name),
            renewed=expiries[name] - LEASE_MS if name in expiries else None,
            is_alive=expiries.get(name, 0) > now,
            jobs=tuple(jobs[name]),
        )
        for name, document in zip(names, documents, strict=True)
    )
    return [
        read_worker_status(name, signs, now=now)
        for name, signs in zip(names, found, strict=True)
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
        jobs[worker].append(read_running_job(queue, job_id, document))
    return found[: len(names)], jobs
