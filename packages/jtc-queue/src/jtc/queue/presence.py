from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from jtc.queue.keys import QueueKeys
from jtc.queue.lease_time import LEASE_MS
from jtc.queue.running_job import RunningJob
from jtc.queue.worker_status import KEPT, Signs, WorkerStatus, read_worker_status


@dataclass(frozen=True, slots=True)
class Presence:
    """Which workers are at a queue, and when each gave its last sign of life.

    Attributes:
        now: The server's clock in epoch milliseconds.
        expiries: When each lease runs out.
        reports: When each worker said last how it is.
    """

    now: float
    expiries: Mapping[str, float]
    reports: Mapping[str, float]

    @property
    def names(self) -> Sequence[str]:
        """The ids of the workers, also of those that died in the last minute."""
        return sorted({*self.expiries, *self.reports})

    def status(
        self, worker: str, report: bytes | None, jobs: Sequence[RunningJob] = ()
    ) -> WorkerStatus:
        """Return how a worker is.

        Args:
            worker: Its id.
            report: What it said of itself.
            jobs: What it has in hand.
        """
        expiry = self.expiries.get(worker)
        signs = Signs(
            report=report,
            reported=self.reports.get(worker),
            renewed=None if expiry is None else expiry - LEASE_MS,
            is_alive=expiry is not None and expiry > self.now,
            jobs=tuple(jobs),
        )
        return read_worker_status(worker, signs, now=self.now)


def ask_presence(pipe: Pipeline, keys: QueueKeys) -> None:
    """Add to a call what `read_presence` is made of: its first three replies."""
    pipe.time()
    pipe.zrange(keys.workers, 0, -1, withscores=True)
    pipe.zrange(keys.reports, 0, -1, withscores=True)


def read_presence(keys: QueueKeys, replies: Sequence[Any]) -> Presence:
    """Read the replies to `ask_presence`."""
    (seconds, micros), leases, reports = replies
    return Presence(
        now=seconds * 1000 + micros / 1000,
        expiries={worker.decode(): float(score) for worker, score in leases},
        reports={
            key.decode().removeprefix(keys.report): float(score) - KEPT * 1000
            for key, score in reports
        },
    )


async def look_who_is_there(redis: Redis, keys: QueueKeys) -> Sequence[WorkerStatus]:
    """Ask in two calls which workers are at a queue, whatever they have in hand."""
    async with redis.pipeline(transaction=True) as pipe:
        ask_presence(pipe, keys)
        presence = read_presence(keys, await pipe.execute())
    names = presence.names
    if not names:
        return []
    reports = await redis.mget([f"{keys.report}{name}" for name in names])
    pairs = zip(names, reports, strict=True)
    return [presence.status(name, report) for name, report in pairs]
