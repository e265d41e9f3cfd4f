from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import saq
from saq.job import Status

from jtc.queue.flow import membership_of
from jtc.queue.groups import in_groups
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument
from jtc.queue.tick import tick_meta_of
from jtc.queue.wall_clock import epoch_ms

GROUP = 200
"""How many jobs one step takes away."""
AT_ONCE = 20
REASON = "canceled: the queue was cleared"


class Clearing:
    """Cancels what waits in a queue and what is delayed, a group in each step.

    What somebody has to be told of is canceled as if each were canceled on its own: the
    record of a tick, the chain or batch that a job is in. The others go in one call for
    a group. What comes in meanwhile is not pursued.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self._keys = queue.keys

    async def count(self) -> int:
        """Return how many jobs wait or are delayed."""
        async with self._queue.redis.pipeline(transaction=True) as pipe:
            pipe.llen(self._keys.queued)
            pipe.zcount(self._keys.incomplete, "(0", "+inf")
            return sum(await pipe.execute())

    async def steps(self) -> AsyncIterator[int]:
        """Cancel group after group; yield how many jobs each step has canceled."""
        keys, redis = self._queue.keys, self._queue.redis
        waiting = await redis.llen(keys.queued)  # type: ignore[misc]
        for start in range(0, waiting, GROUP):
            size = min(GROUP, waiting - start)
            ids = await redis.lrange(keys.queued, 0, size - 1)  # type: ignore[misc]
            yield await self._cancel(ids)
        delayed = await redis.zcount(keys.incomplete, "(0", "+inf")
        passed = 0
        for _ in range(0, delayed, GROUP):
            ids = await redis.zrangebyscore(
                keys.incomplete, "(0", "+inf", start=passed, num=GROUP
            )
            yield (canceled := await self._cancel(ids))
            passed += len(ids) - canceled

    async def _cancel(self, ids: Sequence[bytes]) -> int:
        names = [job_id.decode() for job_id in ids]
        documents = await self._queue.redis.mget(names) if names else []
        jobs = [self._queue.deserialize(document) for document in documents]
        told = [job.key for job in jobs if job is not None and _has_followers(job)]
        canceled = 0
        for group in in_groups(told, AT_ONCE):
            cancels = [self._queue.cancel(key, reason=REASON) for key in group]
            canceled += sum(await asyncio.gather(*cancels))
        args: list[Argument] = [Status.ABORTED.value]
        for name, job in zip(names, jobs, strict=True):
            args += self._line(name, job)
        keys = self._keys
        return canceled + int(
            await self._queue.scripts.run(
                "clear",
                [
                    *(keys.incomplete, keys.queued, keys.claims),
                    *(keys.cancels, keys.recent),
                ],
                args,
            )
        )

    def _line(self, name: str, job: saq.Job | None) -> tuple[str, int, bytes]:
        if job is None:
            # Nobody could run it, and nothing of it could be told.
            return name, -1, b"-"
        if _has_followers(job):
            return name, 0, b""
        job.status, job.error, job.completed = Status.ABORTED, REASON, epoch_ms()
        return name, job.ttl, self._queue.serialize(job)


def _has_followers(job: saq.Job) -> bool:
    return tick_meta_of(job.meta) is not None or membership_of(job.key) is not None
