from __future__ import annotations

from collections.abc import Sequence

import saq
from redis.asyncio import Redis

from jtc.jobs.clients import LoopClient
from jtc.queue import RedisQueue
from jtc.queue.flow import PREFIXES
from jtc.queue.group_commit import Listener
from jtc.queue.settlement import Settlement
from jtc.testing.fake_server import ClockServer
from jtc.testing.record import Record


class RecordingQueue(RedisQueue):
    """A queue that notes what is put in and what becomes of it."""

    def __init__(self, redis: Redis, name: str, record: Record) -> None:
        super().__init__(redis, name)
        self._record = record
        record.open(name)

    async def put(self, job: saq.Job) -> str:
        """Enqueue a job and note it, unless it may not stand beside another."""
        key = await super().put(job)
        if key == job.key:
            self._record.dispatch([job], self.name)
        return key

    async def put_many(self, jobs: Sequence[saq.Job]) -> list[str]:
        """Enqueue jobs and note each as `put` does."""
        keys = await super().put_many(jobs)
        pairs = zip(jobs, keys, strict=True)
        self._record.dispatch([j for j, key in pairs if j.key == key], self.name)
        return keys

    async def put_once(self, jobs: Sequence[saq.Job]) -> list[bool]:
        """Enqueue jobs and note those that were added."""
        added = await super().put_once(jobs)
        pairs = zip(jobs, added, strict=True)
        self._record.dispatch([job for job, is_new in pairs if is_new], self.name)
        return added

    def heard_of(self, jobs: Sequence[saq.Job]) -> None:
        """Note the members of a chain or a batch."""
        self._record.dispatch(jobs, self.name)

    def post(self, settlement: Settlement, listener: Listener[bool]) -> None:
        """Apply a settlement and note which attempt it ends."""
        job = self.deserialize(settlement.document)
        if settlement.kind != "update" and job is not None:
            self._note_attempt(job, settlement)
        super().post(settlement, listener)

    def _note_attempt(self, job: saq.Job, settlement: Settlement) -> None:
        # What follows a chain or a batch is put in by the server.
        if job.key.startswith(PREFIXES) and not self._record.knows(job.key):
            self._record.dispatch([job], self.name)
        self._record.run(job, settlement, self.name)


class RecordingClient(LoopClient):
    """One event loop's connections to a fake server."""

    def __init__(self, server: ClockServer, record: Record) -> None:
        self._server, self._record = server, record
        super().__init__("redis://fake")

    def open_redis(self, redis_url: str) -> Redis:
        """Make a client of the fake server, whatever the URL."""
        del redis_url
        return self._server.connect()

    def open_queue(self, name: str) -> RedisQueue:
        """Make a queue that takes notes."""
        return RecordingQueue(self.redis, name, self._record)
