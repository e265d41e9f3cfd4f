from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import saq
from redis.asyncio import Redis
from saq.job import Status
from saq.queue.redis import RedisQueue as SaqRedisQueue

from jtc.queue.batch import open_batch
from jtc.queue.client import open_client
from jtc.queue.codec import decode, encode
from jtc.queue.errors import DecodingClient
from jtc.queue.waiting import stop_waiting

if TYPE_CHECKING:
    from saq.types import ListenCallback, QueueInfo, VersionTuple

POLL = 0.05
"""Seconds between two looks at a job that somebody waits for."""


class SaqQueue(SaqRedisQueue):
    """SAQ's queue, with what it does besides changing the state of jobs put right.

    Raises:
        DecodingClient: The client returns text.
    """

    def __init__(self, redis: Redis, name: str) -> None:
        if redis.get_encoder().decode_responses:  # type: ignore[no-untyped-call]
            raise DecodingClient
        super().__init__(redis, name=name, dump=encode, load=decode)

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        """Make a queue with a client of its own.

        Raises:
            InvalidRedisUrl: The URL cannot be understood.
            InvalidQueueName: The name would not be safe inside a key.
        """
        return cls(open_client(url), **kwargs)

    def deserialize(
        self,
        payload: dict[str, Any] | str | bytes | None,
        status: Status | str | None = None,
    ) -> saq.Job | None:
        """Read a job's document; None when it is no job of this queue.

        One such document must not keep anybody from reading the others.
        """
        try:
            return super().deserialize(payload, status)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[None]:
        """Cancel what is enqueued inside the context, if it ends with an error.

        A cancellation of the task is such an error. Jobs that others enqueue meanwhile
        are left alone, and so is a job whose key was taken when this one came.

        Example:
            >>> async def order(queue: SaqQueue) -> None:
            ...     async with queue.batch():
            ...         await queue.enqueue("charge", order_id=7)
            ...         await queue.enqueue("deliver", order_id=7)
        """
        async with open_batch(self, lambda job: self.abort(job, "cancelled")):
            yield

    async def listen(
        self,
        job_keys: Iterable[str],
        callback: ListenCallback,
        timeout: float | None = 10,  # noqa: ASYNC109 - SAQ's signature
        poll_interval: float = POLL,
    ) -> None:
        """Tell `callback` the key and status of each job until it returns a true value.

        It asks instead of subscribing: SAQ's subscription misses what happened before
        it was made and floods the log while the server is away. It also ends once none
        of the jobs is there any more, as a job that keeps no result.

        Raises:
            TimeoutError: After `timeout` seconds; 0 or None waits without end.
        """
        keys = list(job_keys)

        async def ask() -> None:
            while found := [job for job in await self.jobs(keys) if job]:
                for job in found:
                    reply = callback(job.key, job.status)
                    if await reply if inspect.isawaitable(reply) else reply:
                        return
                await asyncio.sleep(poll_interval)

        if keys:
            await asyncio.wait_for(ask(), timeout or None)

    async def version(self) -> VersionTuple:
        """Return (6, 2, 0): what the queue needs, checked once when a worker starts."""
        return (6, 2, 0)

    async def info(
        self,
        jobs: bool = False,  # noqa: FBT001, FBT002 - SAQ's signature
        offset: int = 0,
        limit: int = 10,
    ) -> QueueInfo:
        """Describe the queue for SAQ's tools.

        Args:
            jobs: Also list jobs, the running ones first.
            offset: How many jobs to pass over.
            limit: How many jobs to list at the most.
        """
        # SAQ takes `limit` for the index of the last one: page two would be empty.
        return await super().info(jobs, offset, offset + limit)

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:  # noqa: ARG002
        """Do nothing: jobs of dead workers are recovered by their lease."""
        return []

    async def disconnect(self) -> None:
        """Close the connections."""
        await stop_waiting(self.redis)
        # SAQ's would first connect once more, to end a subscription that we never made.
        await self.redis.aclose()
