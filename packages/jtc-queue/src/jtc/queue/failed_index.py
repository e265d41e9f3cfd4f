from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.failed_job import FailedJob, key_of, read_failed_job
from jtc.queue.failed_job_filter import FailedJobFilter
from jtc.queue.flow import NO_MEMBER, membership_of
from jtc.queue.fresh_job import fresh_job
from jtc.queue.redis_queue import FAILED_TTL, RedisQueue
from jtc.queue.scripts import Argument, script_source
from jtc.queue.tracing import sending
from jtc.queue.unique_key import read_unique_key
from jtc.queue.wall_clock import epoch_ms

KEEP = 10_000
"""How many failed jobs a queue keeps."""
PRUNE_GROUP = 1000
"""How many failed jobs one call drops."""
GROUP = 200
"""How many failed jobs one call reads, puts back or deletes."""

Listed = tuple[bytes, float]
"""A job's key in Redis, and when it failed in epoch seconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A failed job with the text that Redis holds of it."""

    job: FailedJob
    job_id: str
    document: bytes


class FailedIndex:
    """The keys of a queue that are about failed jobs, and the steps that change them.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self._redis = queue.redis
        self._retry, self._forget, self._prune = (
            queue.redis.register_script(script_source(f"{name}_failed"))
            for name in ("retry", "forget", "prune")
        )

    async def count(self) -> int:
        """Return how many jobs are listed."""
        return int(await self._redis.zcard(self._queue.keys.failed))

    async def find(self, wanted: FailedJobFilter) -> list[Listed]:
        """Return what failed in the times that are wanted, the latest first."""
        seconds, microseconds = await self._redis.time()
        first, last = wanted.times(now=seconds + microseconds / 1e6)
        found: list[Listed] = await self._redis.zrevrangebyscore(
            self._queue.keys.failed, last, first, withscores=True
        )
        return found

    async def look_up(self, keys: Sequence[str]) -> list[Listed]:
        """Return those of the jobs `keys` that are listed."""
        # What is no job of this queue may have any key in Redis: here, that is its own.
        names = [name for key in keys for name in (self._queue.job_id(key), key)]
        if not names:
            return []
        times = await self._redis.zmscore(self._queue.keys.failed, names)
        return [
            (name.encode(), at)
            for name, at in dict(zip(names, times, strict=True)).items()
            if at is not None
        ]

    async def load(self, listed: Sequence[Listed]) -> list[Entry]:
        """Read what is listed; left out is what has expired or was enqueued again."""
        if not listed:
            return []
        ids = [job_id.decode() for job_id, _ in listed]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.mget(ids)
            pipe.zmscore(self._queue.keys.incomplete, ids)
            documents, waiting = await pipe.execute()
        times = (at for _, at in listed)
        return [
            Entry(
                read_failed_job(self._queue, job_id, document, failed_at=at),
                job_id,
                document,
            )
            for job_id, at, document, score in zip(
                ids, times, documents, waiting, strict=True
            )
            if document is not None and score is None
        ]

    async def put_back(self, entries: Sequence[Entry]) -> list[str]:
        """Queue jobs again that are still as they were read; return their keys."""
        jobs: list[ClaimedJob] = []
        digests: list[str] = []
        for one in entries:
            job = fresh_job(self._queue, one.job_id, one.document, now=epoch_ms())
            if job is not None:
                jobs.append(job)
                digests.append(hashlib.sha1(one.document).hexdigest())  # noqa: S324 - Redis's
        if not jobs:
            return []
        keys = self._queue.keys
        lists = [keys.failed, keys.incomplete, keys.queued, keys.claims, keys.unique]
        with sending(self._queue, jobs, again=True):
            pairs = zip(jobs, digests, strict=True)
            args = [word for pair in pairs for word in self._arguments(*pair)]
            reply = await self._retry(keys=[*lists, *keys.flows], args=args)
        return self._done([job.id for job in jobs], reply)

    async def delete(self, listed: Sequence[Listed]) -> list[str]:
        """Delete what is listed; return the keys of what still was."""
        keys = self._queue.keys
        ids = [job_id.decode() for job_id, _ in listed]
        reply = await self._forget(keys=[keys.failed, keys.incomplete], args=ids)
        return self._done(ids, reply)

    async def prune(self) -> int:
        """Drop what is too old or too much; return how many that were."""
        keys = self._queue.keys
        dropped = await self._prune(
            keys=[keys.failed, keys.incomplete, keys.failures],
            args=[FAILED_TTL, KEEP, PRUNE_GROUP],
        )
        return int(dropped)

    def _arguments(self, job: ClaimedJob, digest: str) -> tuple[Argument, ...]:
        """Return what the script is told of a job that is put back."""
        unique = read_unique_key(job.meta)
        key = ("", "", 0) if unique is None else unique.as_arguments()
        member = membership_of(job.key) or NO_MEMBER
        return (job.id, digest, self._queue.serialize(job), *key, *member)

    def _done(self, ids: Sequence[str], reply: Sequence[int]) -> list[str]:
        pairs = zip(ids, reply, strict=True)
        return [key_of(self._queue, job_id) for job_id, done in pairs if done]
