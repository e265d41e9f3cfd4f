from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from jtc.queue.keys import QueueKeys
from jtc.queue.presence import look_who_is_there
from jtc.queue.worker_status import WorkerStatus

LOOKED_WITHIN = 10.0
"""Seconds within which a worker that fires ticks asks what is due."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a queue is worked on as it should be.

    Attributes:
        is_healthy: Whether it is.
        reason: Why, in one line.
        workers: The ids of the workers that are well.
    """

    is_healthy: bool
    reason: str
    workers: tuple[str, ...] = ()


async def read_health(
    redis: Redis, queue: str, *, worker: str | None = None, host: str | None = None
) -> Health:
    """Ask whether the queue of that name is worked on; see `QueueMonitor.health`.

    Raises:
        InvalidQueueName: No queue can have that name.
    """
    workers = await look_who_is_there(redis, QueueKeys(queue))
    return judge_health(workers, queue=queue, worker=worker, host=host)


def judge_health(
    workers: Sequence[WorkerStatus],
    *,
    queue: str,
    worker: str | None = None,
    host: str | None = None,
) -> Health:
    """Decide whether workers are well: one of them, or each of those that are meant.

    Args:
        workers: Those at the queue.
        queue: Its name.
        worker: The id of the one that is meant.
        host: The machine whose workers are meant.
    """
    meant = [
        one
        for one in workers
        if one.state != "gone" and worker in (None, one.id) and host in (None, one.host)
    ]
    if not meant:
        whose = f" {worker}" if worker else f" on {host}" if host else ""
        reason = f"queue '{queue}' has no live worker{whose}"
        return Health(is_healthy=False, reason=reason)
    complaints = {one.id: complain(one) for one in meant}
    well = tuple(name for name, complaint in complaints.items() if not complaint)
    ailing = [
        f"{name} {complaint}" for name, complaint in complaints.items() if complaint
    ]
    if ailing and (not well or worker or host):
        return Health(is_healthy=False, reason="; ".join(ailing), workers=well)
    reason = f"queue '{queue}' has {len(well)} live worker(s)"
    return Health(is_healthy=True, reason=reason, workers=well)


def complain(worker: WorkerStatus) -> str | None:
    """Say what is wrong with a worker; None when nothing is."""
    if worker.state == "gone":
        return "is gone: its lease has run out"
    if worker.state == "silent":
        return "lives, but its event loop does not turn"
    if worker.looked is not None and worker.looked > LOOKED_WITHIN:
        return f"asked what is due {worker.looked:.0f} s ago, and not since"
    return None
