from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, cast

import saq
from redis.asyncio import Redis
from saq.job import TERMINAL_STATUSES, Status
from saq.queue.base import Queue
from saq.queue.redis import RedisQueue as SaqRedisQueue
from saq.utils import now

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import decode, encode
from jtc.queue.document import document_of
from jtc.queue.enqueuing import Enqueuing, Entry
from jtc.queue.errors import Unserializable
from jtc.queue.failure import read_failure
from jtc.queue.keys import QueueKeys
from jtc.queue.outage import Outage
from jtc.queue.retry_policy import next_delay
from jtc.queue.scripts import Argument, Scripts
from jtc.queue.settlement import Kind, Settlement
from jtc.queue.settling import Settling
from jtc.queue.tick_end import TickEnd, cancellation, tick_end_of

if TYPE_CHECKING:
    from saq.types import ListenCallback, QueueInfo, VersionTuple

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 300
FAILED_TTL = 7 * 24 * 3600
_PROMOTE_GROUP = 500


class RedisQueue(SaqRedisQueue):
    """A queue whose every change of state is one atomic script.

    It keeps SAQ's layout in Redis and SAQ's methods, so SAQ's tools read it and jobs
    that plain SAQ enqueued run from it.

    Args:
        redis: A client that returns bytes.
        name: Letters, digits, `.`, `_` and `-`.

    Raises:
        InvalidQueueName: The name would not be safe inside a key.
    """

    def __init__(self, redis: Redis, name: str = "default") -> None:
        self.keys = QueueKeys(name)
        super().__init__(redis, name=name, dump=encode, load=decode)
        self.outage = Outage()
        self.scripts = Scripts(redis, self.outage)
        self._enqueuing = Enqueuing(self.scripts, self.keys)
        self._settling = Settling(self.scripts, self.keys)

    def __repr__(self) -> str:
        return f"<RedisQueue {self.name}>"

    @property
    def history_length(self) -> int:
        """How many records of a schedule are kept; 100 unless set."""
        return self._settling.history_length

    @history_length.setter
    def history_length(self, length: int) -> None:
        self._settling.history_length = length

    # -- putting jobs in ---------------------------------------------------------------

    async def enqueue(
        self, job_or_func: str | saq.Job, **kwargs: Any
    ) -> saq.Job | None:
        """Enqueue a function by name, or a job.

        Keywords that name a field of `saq.Job` (`key`, `timeout`, `scheduled`, …) set
        that field, all others are the function's arguments. The timeout is 300 s unless
        given, not SAQ's 10 s.

        Returns:
            The job, or None when one with its key is already waiting or running.

        Raises:
            Unserializable: An argument has no form in JSON; nothing was enqueued.
        """
        if isinstance(job_or_func, str):
            kwargs.setdefault("timeout", DEFAULT_TIMEOUT)
        return await super().enqueue(job_or_func, **kwargs)

    async def enqueue_many(self, jobs: Sequence[saq.Job]) -> list[bool]:
        """Enqueue jobs in as few calls as possible.

        Returns:
            For each job whether it was added: False when one with its key was already
            waiting or running.
        """
        for job in jobs:
            if job.queue and job.queue.name != self.name:
                raise ValueError(f"Job {job} registered to a different queue")
            job.queue = self
            job.queued = now()
            job.status = Status.QUEUED
            await self._before_enqueue(job)
        return await self._enqueuing.add_many([self._entry(job) for job in jobs])

    async def _enqueue(self, job: saq.Job) -> saq.Job | None:
        return job if await self._enqueuing.add(self._entry(job)) else None

    def _entry(self, job: saq.Job) -> Entry:
        return job.id, self.serialize(job), max(0, int(job.scheduled))

    def serialize(self, job: saq.Job) -> bytes:
        """Write a job's document.

        Raises:
            Unserializable: It holds a value that has no form in JSON.
        """
        try:
            return encode(document_of(job))
        except (TypeError, ValueError, RecursionError) as error:
            raise Unserializable(job.function, str(error)) from error

    # -- ending attempts ---------------------------------------------------------------

    def settle(self, settlement: Settlement) -> asyncio.Future[bool]:
        """Apply a settlement together with others that are under way.

        Returns:
            A future: False when the claim was no longer held and nothing was changed.
        """
        return self._settling.apply(settlement)

    async def _finish(
        self,
        job: saq.Job,
        status: Status,
        *,
        result: Any = None,  # noqa: ARG002 - SAQ's signature
        error: str | None = None,  # noqa: ARG002
    ) -> None:
        kind: Kind = "failed" if status == Status.FAILED else "done"
        await self._settle_job(job, kind, seconds_kept(job), status)

    async def _retry(self, job: saq.Job, error: str | None) -> None:  # noqa: ARG002
        wait = round(next_delay(job) * 1000)
        await self._settle_job(job, "retry", wait, Status.QUEUED)

    async def _update(
        self,
        job: saq.Job,
        status: Status | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        if status:
            job.status = status
        await self._settle_job(job, "update", 0, job.status)

    async def _settle_job(
        self, job: saq.Job, kind: Kind, number: int, status: Status
    ) -> None:
        claim = job.claim if isinstance(job, ClaimedJob) else ""
        tick = _tick_end(job) if kind in ("done", "failed") else None
        settlement = Settlement(
            job.id, claim, kind, self.serialize(job), number, status.value, tick
        )
        if not await self.settle(settlement):
            logger.warning(
                "Dropped '%s' for job %s: its claim is no longer held.",
                kind,
                job.key,
                extra={"action": "stale_settle", "job_id": job.key},
            )

    def copy(self, job: saq.Job) -> saq.Job:
        """Return a copy that still carries the claim."""
        return copy(job)

    # -- looking, waiting, canceling ---------------------------------------------------

    async def abort(self, job: saq.Job, error: str, ttl: float = 5) -> None:  # noqa: ARG002
        """Cancel a job: at once while it waits, through its worker while it runs."""
        await self.cancel(job.key, reason=error)

    async def cancel(self, key: str, *, reason: str = "canceled") -> bool:
        """Cancel the job `key`.

        Returns:
            False when it had already ended or was never there. True when it will not
            run any more, or its worker was asked to stop it (within a second or so).
        """
        job = await self.job(key)
        if job is None or job.status in TERMINAL_STATUSES:
            return False
        job.status, job.error, job.completed = Status.ABORTED, reason, now()
        keys = [self.keys.incomplete, self.keys.claims, self.keys.cancels]
        args: list[Argument] = [job.id, reason, self.serialize(job), job.ttl]
        args.append(job.status.value)
        if (tick := tick_end_of(job, error=cancellation(reason))) is not None:
            keys += self.keys.ticks
            args += [*tick.as_arguments(), self.history_length]
        return bytes(await self.scripts.run("cancel", keys, args)) != b"ended"

    async def schedule(self, lock: int = 1) -> list[str]:  # noqa: ARG002 - SAQ's signature
        """Queue the delayed jobs whose time has come; SAQ's name for `promote`."""
        await self.promote()
        return []

    async def promote(self) -> float | None:
        """Queue the delayed jobs whose time has come, by the server's clock.

        Returns:
            Seconds until the next one is due; None when none waits.
        """
        wait = 0
        while wait == 0:
            _, wait = await self.scripts.run(
                "promote", [self.keys.incomplete, self.keys.queued], [_PROMOTE_GROUP]
            )
        return None if wait < 0 else wait / 1000

    async def wait_for_work(self, seconds: int) -> bool:
        """Wait until a job is queued, without taking it; False after `seconds`.

        The head of the list is moved onto itself: that blocks while the list is empty
        and changes nothing, so a waiting worker can be stopped or die at any moment.
        """
        queued = self.keys.queued
        moved = await self.redis.blmove(queued, queued, seconds, "LEFT", "LEFT")
        return moved is not None

    async def cancel_notes(self, job_ids: Sequence[str]) -> list[str | None]:
        """Return for each running job why it is to be stopped, or None."""
        notes = await cast(
            "Awaitable[list[bytes | None]]",
            self.redis.hmget(self.keys.cancels, list(job_ids)),
        )
        return [None if note is None else note.decode() for note in notes]

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:  # noqa: ARG002
        """Do nothing: jobs of dead workers are recovered by their lease."""
        return []

    async def listen(
        self,
        job_keys: Iterable[str],
        callback: ListenCallback,
        timeout: float | None = 10,  # noqa: ASYNC109 - SAQ's signature
        poll_interval: float = 0.05,
    ) -> None:
        """Tell `callback` the key and status of each job until it returns a true value.

        It asks instead of subscribing: SAQ's subscription misses what happened before
        it was made and floods the log while the server is away.
        """
        keys = list(job_keys)

        async def tell(job_id: str, status: Status) -> Any:
            reply = callback(self.job_key_from_id(job_id), status)
            return await reply if inspect.isawaitable(reply) else reply

        if keys:
            await Queue.listen(self, keys, tell, timeout, poll_interval)

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

    async def disconnect(self) -> None:
        """Close the connections."""
        # SAQ's would first connect once more, to end a subscription that we never made.
        await self.redis.aclose()


def seconds_kept(job: saq.Job) -> int:
    """Return how long an ended job is kept: 0 for good, below 0 not at all.

    A failed one is kept for a week at least: somebody will want to look at it.
    """
    if job.status == Status.FAILED and job.ttl != 0:
        return max(job.ttl, FAILED_TTL)
    return job.ttl


def _tick_end(job: saq.Job) -> TickEnd | None:
    error = read_failure({}, job.error).message if job.error else None
    return tick_end_of(job, error=error)
