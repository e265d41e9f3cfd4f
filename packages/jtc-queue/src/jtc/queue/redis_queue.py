from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Sequence
from copy import copy
from typing import Any, cast

import saq
from redis.asyncio import Redis
from saq.job import TERMINAL_STATUSES, Status

from jtc.queue.batch import noted
from jtc.queue.busy_limits import BusyLimits
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import encode
from jtc.queue.document import document_of
from jtc.queue.duration import as_seconds
from jtc.queue.enqueuing import Enqueuing, Entry, Placed
from jtc.queue.errors import Unserializable
from jtc.queue.failure import read_failure
from jtc.queue.flow import membership_of
from jtc.queue.group_commit import Listener
from jtc.queue.keys import QueueKeys
from jtc.queue.looking import Looking
from jtc.queue.measures import Measures
from jtc.queue.outage import outage_of
from jtc.queue.retry_policy import next_delay
from jtc.queue.saq_queue import POLL, SaqQueue
from jtc.queue.scripts import Argument, Scripts
from jtc.queue.sent_jobs import SentJobs
from jtc.queue.settlement import Kind, Settlement
from jtc.queue.settling import Settling
from jtc.queue.tally import Tally
from jtc.queue.tick_end import TickEnd, cancellation, tick_end_of
from jtc.queue.tracing import sending
from jtc.queue.unique_key import read_unique_key
from jtc.queue.wall_clock import epoch_ms

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 300
FAILED_TTL = 7 * 24 * 3600
_PROMOTE_GROUP = 500


class RedisQueue(SaqQueue):
    """A queue whose every change of state is one atomic script.

    It keeps SAQ's layout in Redis and SAQ's methods, so SAQ's tools read it and jobs
    that plain SAQ enqueued run from it.

    Args:
        redis: A client that returns bytes.
        name: Letters, digits, `.`, `_` and `-`.

    Raises:
        InvalidQueueName: The name would not be safe inside a key.
        DecodingClient: The client returns text.
    """

    def __init__(self, redis: Redis, name: str = "default") -> None:
        self.keys = QueueKeys(name)
        super().__init__(redis, name)
        self.outage = outage_of(redis)
        self.scripts = Scripts(redis, self.outage)
        self._enqueuing = Enqueuing(self.scripts, self.keys)
        self._sent = SentJobs(redis, self.scripts, self.keys, self._enqueuing)
        self._looking = Looking(redis)
        self._settling = Settling(self.scripts, self.keys)
        self.measures = Measures()
        #: From when on it counts as busy.
        self.busy_limits = BusyLimits()
        self.tally = Tally(self, self.measures)

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
        with sending(self, jobs):
            for job in jobs:
                await self._prepare(job)
            adding = self._enqueuing.add_many([self._entry(job) for job in jobs])
            placed = await noted(self, jobs, asyncio.ensure_future(adding))
        return [one is True for one in placed]

    async def put(self, job: saq.Job) -> str:
        """Enqueue a job as its `meta` says and return the key of the one that is there.

        `meta["delay"]` is how many seconds it waits, by the server's clock.
        `meta["unique"]` holds what only one job in the queue may have, a `UniqueKey`.

        Returns:
            The job's own key, or that of the job that is in the queue with what is
            unique; then nothing was added.

        Raises:
            Unserializable: An argument has no form in JSON; nothing was enqueued.
        """
        with sending(self, job):
            await self._prepare(job)
            adding = self._enqueuing.add(self._entry_as_told(job))
            return self._key_of(job, await noted(self, (job,), adding))

    async def put_many(self, jobs: Sequence[saq.Job]) -> list[str]:
        """Enqueue jobs in as few calls as possible, each as `put` does."""
        with sending(self, jobs):
            for job in jobs:
                await self._prepare(job)
            entries = [self._entry_as_told(job) for job in jobs]
            adding = asyncio.ensure_future(self._enqueuing.add_many(entries))
            placed = await noted(self, jobs, adding)
        return [self._key_of(*pair) for pair in zip(jobs, placed, strict=True)]

    async def put_once(self, jobs: Sequence[saq.Job]) -> list[bool]:
        """Enqueue jobs as `put` does, but for those that were put so before.

        Also one that has ended meanwhile is not put again, for a week, or for ten
        minutes from `note_sent`: for senders that cannot know what became of a call.

        Returns:
            For each job whether it was added.
        """
        with sending(self, jobs):
            for job in jobs:
                await self._prepare(job)
            added = await self._sent.send([self._entry_as_told(job) for job in jobs])
        return [job.id in added for job in jobs]

    def heard_of(self, jobs: Sequence[saq.Job]) -> None:
        """Take note of the members of a flow that has begun; for subclasses."""

    async def note_sent(self, keys: Sequence[str]) -> None:
        """Remember jobs for less long: their sender will not send them again."""
        await self._sent.noted([self.job_id(key) for key in keys])

    async def apply(
        self,
        job_or_func: str,
        timeout: float | None = None,  # noqa: ASYNC109 - SAQ's signature
        poll_interval: float = POLL,
        **kwargs: Any,
    ) -> Any:
        """Enqueue a job and wait for its result, as `map` does for many."""
        results = await self.map(job_or_func, [kwargs], timeout, False, poll_interval)  # noqa: FBT003
        return results[0]

    async def map(
        self,
        job_or_func: str | saq.Job,
        iter_kwargs: Sequence[dict[str, Any]],
        timeout: float | None = None,  # noqa: ASYNC109
        return_exceptions: bool = False,  # noqa: FBT001, FBT002
        poll_interval: float = POLL,
        **kwargs: Any,
    ) -> list[Any]:
        """Enqueue a job for each item and wait for all results.

        Args:
            job_or_func: A function's name.
            iter_kwargs: For each job what `enqueue` takes.
            timeout: Seconds to wait, and the timeout of each job; without end and 300 s
                unless given. SAQ would let the jobs run without any limit.
            return_exceptions: Return a `JobError` for a job that failed or was aborted,
                instead of raising it.
            poll_interval: Seconds between two looks.
            kwargs: The same for every job.

        Raises:
            JobError: A job failed or was aborted.
            TimeoutError: They did not all end in time.
        """
        limit = DEFAULT_TIMEOUT if timeout is None else timeout
        calls = [{"timeout": limit, **kw} for kw in iter_kwargs]
        return await super().map(
            job_or_func, calls, timeout, return_exceptions, poll_interval, **kwargs
        )

    async def _enqueue(self, job: saq.Job) -> saq.Job | None:
        # SAQ has written it by a clock of its own.
        job.queued = epoch_ms()
        with sending(self, job):
            adding = self._enqueuing.add(self._entry(job))
            return job if await noted(self, (job,), adding) is True else None

    async def _prepare(self, job: saq.Job) -> None:
        if job.queue and job.queue.name != self.name:
            raise ValueError(f"Job {job.key} registered to a different queue")
        job.queue = self
        job.queued = epoch_ms()
        job.status = Status.QUEUED
        await self._before_enqueue(job)

    def _entry(self, job: saq.Job) -> Entry:
        document = self._write(job, strict=True)
        return Entry(job.id, document, max(0, math.ceil(job.scheduled)))

    def _entry_as_told(self, job: saq.Job) -> Entry:
        entry = self._entry(job)
        if not job.meta:
            return entry
        delay = as_seconds(job.meta.get("delay"))
        unique = read_unique_key(job.meta)
        if not delay and unique is None:
            return entry
        # By the server's clock: the one of this machine may be wrong.
        score = f"+{delay}" if delay else entry.score
        return Entry(entry.job_id, entry.document, score, unique)

    def _key_of(self, job: saq.Job, placed: Placed) -> str:
        return self.job_key_from_id(placed) if isinstance(placed, str) else job.key

    def serialize(self, job: saq.Job) -> bytes:
        """Write a job's document.

        Raises:
            Unserializable: It holds a value that has no form in JSON.
        """
        return self._write(job, strict=False)

    def _write(self, job: saq.Job, *, strict: bool) -> bytes:
        try:
            return encode(document_of(job), strict=strict)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unserializable(job.function, str(error)) from error

    # -- ending attempts ---------------------------------------------------------------

    def settle(self, settlement: Settlement) -> asyncio.Future[bool]:
        """Apply a settlement together with others that are under way.

        Returns:
            A future: False when the claim was no longer held and nothing was changed.
        """
        return self._settling.apply(settlement)

    def post(self, settlement: Settlement, listener: Listener[bool]) -> None:
        """Apply a settlement as `settle` does; tell `listener` instead of a future."""
        self._settling.post(settlement, listener)

    async def settle_again(self, settlement: Settlement) -> bool:
        """Apply a settlement whose first call was answered by nothing or an outage.

        Returns:
            Whether it stands: by this call, or by the first one.
        """
        if await self.settle(settlement):
            return True
        stored = await self.redis.get(settlement.job_id)
        if stored is None:
            # It has ended and left nothing, as this settlement wants it.
            return settlement.kind == "done" and settlement.number < 0
        return bytes(stored) == settlement.document

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
        if await self._try_to_settle(job, "retry", wait, Status.QUEUED):
            return
        # SAQ's web page tries a job again that has ended.
        unique = read_unique_key(job.meta)
        entry = Entry(job.id, self.serialize(job), 0, unique)
        if isinstance(job, ClaimedJob) or await self._enqueuing.add(entry) is not True:
            _report_stale(job, "retry")

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
        if not await self._try_to_settle(job, kind, number, status):
            _report_stale(job, kind)

    async def _try_to_settle(
        self, job: saq.Job, kind: Kind, number: int, status: Status
    ) -> bool:
        claim = job.claim if isinstance(job, ClaimedJob) else ""
        document = self.serialize(job)
        tick = _tick_end(job) if kind in ("done", "failed") else None
        return await self.settle(
            Settlement(
                job.id, claim, kind, document, number, status.value, self.name, tick
            )
        )

    def copy(self, job: saq.Job) -> saq.Job:
        """Return a copy that still carries the claim."""
        return copy(job)

    # -- looking, waiting, canceling ---------------------------------------------------

    async def look(self, key: str) -> saq.Job | None:
        """Read a job, together with others that are asked for at the same time."""
        return self.deserialize(await self._looking.look(self.job_id(key)))

    async def abort(self, job: saq.Job, error: str, ttl: float = 5) -> None:  # noqa: ARG002
        """Cancel a job: at once while it waits, through its worker while it runs."""
        word = await self._cancel(job.key, error)
        if word != "ended":
            job.status = Status.ABORTED if word == "canceled" else Status.ABORTING
            job.error = error

    async def cancel(self, key: str, *, reason: str = "canceled") -> bool:
        """Cancel the job `key`.

        Returns:
            False when it had already ended or was never there. True when it will not
            run any more, or its worker was asked to stop it (within a second or so).
        """
        return await self._cancel(key, reason) != "ended"

    async def _cancel(self, key: str, reason: str) -> str:
        job = await self.job(key)
        if job is None or job.status in TERMINAL_STATUSES:
            return "ended"
        job.status, job.error, job.completed = Status.ABORTED, reason, epoch_ms()
        keys = [self.keys.incomplete, self.keys.claims, self.keys.cancels]
        keys.append(self.keys.recent)
        args: list[Argument] = [job.id, reason, self.serialize(job), job.ttl]
        args.append(job.status.value)
        if (tick := tick_end_of(job, error=cancellation(reason))) is not None:
            keys += self.keys.ticks
            args += [*tick.as_arguments(), self.history_length]
        elif (member := membership_of(key)) is not None:
            keys += self.keys.flows
            args += member
        return bytes(await self.scripts.run("cancel", keys, args)).decode()

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
        wait = self.scripts.lane("wait")
        moved = await wait.call("BLMOVE", queued, queued, "LEFT", "LEFT", seconds)
        return moved is not None

    async def cancel_notes(self, job_ids: Sequence[str]) -> list[str | None]:
        """Return for each running job why it is to be stopped, or None."""
        notes = await cast(
            "Awaitable[list[bytes | None]]",
            self.redis.hmget(self.keys.cancels, list(job_ids)),
        )
        return [None if note is None else note.decode() for note in notes]


def _report_stale(job: saq.Job, kind: Kind) -> None:
    logger.warning(
        "Dropped '%s' for job %s: its claim is no longer held.",
        kind,
        job.key,
        extra={"action": "stale_settle", "job_id": job.key},
    )


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
