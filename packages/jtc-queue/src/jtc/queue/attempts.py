from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from jtc.queue import endings
from jtc.queue.attempt import Attempt, Hooks
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.outage import backoff, is_outage
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.settlement import Settlement
from jtc.queue.stock import Stock
from jtc.queue.threads import AsyncFunction

logger = logging.getLogger(__name__)

Hold = tuple[str, str]
"""A job's id and the claim it is held by."""


class Attempts:
    """The attempts that a worker is running, and those that are not settled yet.

    Args:
        queues: Where the jobs come from; each is settled in its own.
        functions: What the worker can run, by name.
        context: What every attempt's `ctx` holds.
        hooks: What runs before and after each attempt.
        slots: How many attempts may run at once.
        worker: The worker's id.
        is_stopping: Tells whether no more attempts may begin.
        most: How many may begin in all.

    Attributes:
        begun: How many have begun.
    """

    def __init__(
        self,
        queues: Sequence[RedisQueue],
        functions: Mapping[str, AsyncFunction],
        context: Mapping[str, Any],
        hooks: Hooks | None,
        *,
        slots: int,
        worker: str,
        is_stopping: Callable[[], bool] = lambda: False,
        most: int | None = None,
    ) -> None:
        self.begun = 0
        self.running: set[Attempt] = set()
        self.stock = Stock(slots)
        self._queues = {"": queues[0]} | {queue.name: queue for queue in queues}
        self._most = sys.maxsize if most is None else most
        self._functions = functions
        self._context = context
        self._hooks = hooks
        self._slots = slots
        self._worker = worker
        self._is_stopping = is_stopping
        self._ended = 0
        self._unsettled: dict[Hold, Settlement] = {}
        self._again: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._has_begun = asyncio.Event()

    @property
    def room(self) -> int:
        """How many more jobs may be claimed now.

        It is 0 while too many outcomes wait for the server: they are all that is known
        of work already done.
        """
        if len(self._unsettled) > 10 * self._slots + 100:
            return 0
        free = self._slots - len(self.running)
        room = self.stock.room(free, ended=self._ended, now=time.monotonic())
        return min(room, self._most - self.begun - len(self.stock))

    @property
    def is_spent(self) -> bool:
        """Whether as many attempts have begun as may."""
        return self.begun >= self._most

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits to begin, and everything is settled."""
        return not self.running and not self._unsettled and not self.stock

    @property
    def holds(self) -> set[Hold]:
        """What this worker knows to hold."""
        running = {(a.job.id, a.job.claim) for a in self.running}
        return running | self._unsettled.keys() | self.stock.holds

    @property
    def has_suspect(self) -> bool:
        """Whether one of the jobs in hand may be what killed the workers before."""
        return any(
            endings.is_suspect(job)
            for job in (*(a.job for a in self.running), *self.stock.jobs)
        )

    def accept(self, jobs: Sequence[ClaimedJob], *, now: float) -> None:
        """Begin as many attempts as there are free slots; the other jobs wait for one.

        Args:
            jobs: The jobs, each with its claim.
            now: The server's clock at the claim, in epoch seconds.
        """
        self.stock.add(jobs, server_now=now, now=time.monotonic())
        self._begin_next()

    def give_back(self) -> None:
        """Release the jobs that have not begun."""
        for job in self.stock.clear():
            self.settle(endings.released(job))

    def give_back_stale(self) -> None:
        """Release the jobs that should have begun long ago."""
        if self.stock.is_stale(time.monotonic()):
            self.give_back()

    def settle(self, settlement: Settlement) -> None:
        """Send a settlement, again and again while the server is away."""
        self._unsettled[settlement.job_id, settlement.claim] = settlement
        queue = self._queues[settlement.queue]
        queue.post(settlement, partial(self._settled, settlement))

    async def wait_for_change(self) -> None:
        """Wait until an attempt or a settlement has ended."""
        self._changed.clear()
        await self._changed.wait()

    async def wait_for_some(self) -> None:
        """Wait until there is an attempt that runs."""
        while not self.running:
            self._has_begun.clear()
            await self._has_begun.wait()

    def wake(self) -> None:
        """End every wait for a change."""
        self._changed.set()

    async def wait_until_idle(self) -> None:
        """Wait until nothing runs and everything is settled."""
        while not self.is_idle:
            await self.wait_for_change()

    def leave(self, attempt: Attempt) -> None:
        """Let go of an attempt that does not stop.

        Its job stays claimed, so that no other attempt runs beside it: it is recovered
        once this process and its lease are gone, and that is not held against it.
        """
        self.running.discard(attempt)
        # Only the hook after it may still run: what becomes of the job is known.
        self.settle(attempt.outcome or endings.left(attempt.job))
        attempt.leave()

    def _begin_next(self) -> None:
        self.give_back_stale()
        while self.stock and len(self.running) < self._slots:
            if self._is_stopping() or self.is_spent:
                self.give_back()
                return
            self._begin(*self.stock.take())

    def _begin(self, job: ClaimedJob, now: float) -> None:
        self.begun += 1
        endings.begin(job, worker=self._worker)
        attempt = Attempt(job, now=now)
        self.running.add(attempt)
        self._has_begun.set()
        attempt.task = asyncio.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        settlement = await attempt.run(self._functions, self._context, self._hooks)
        # Not when somebody has let go of it.
        if attempt in self.running:
            self.running.discard(attempt)
            self._ended += 1
            if settlement is not None:
                self.settle(settlement)
            self._begin_next()
            self._changed.set()

    def _settled(
        self,
        settlement: Settlement,
        applied: bool | None,  # noqa: FBT001 - a listener's form
        error: BaseException | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            return
        if error is not None and is_outage(error):
            task = asyncio.create_task(self._settle_again(settlement))
            self._again.add(task)
            task.add_done_callback(self._again.discard)
            return
        self._forget(settlement)
        if error is not None:
            logger.error("Job %s was not settled.", settlement.job_id, exc_info=error)
        elif applied:
            self._count(settlement)
        else:
            _report_stale(settlement)

    async def _settle_again(self, settlement: Settlement) -> None:
        failures = 1
        queue = self._queues[settlement.queue]
        while True:
            await asyncio.sleep(backoff(failures))
            try:
                applied = await queue.settle_again(settlement)
            except Exception as error:
                if is_outage(error):
                    failures += 1
                    continue
                logger.exception("Job %s was not settled.", settlement.job_id)
            else:
                if applied:
                    self._count(settlement)
                else:
                    _report_unsure(settlement)
            self._forget(settlement)
            return

    def _forget(self, settlement: Settlement) -> None:
        self._unsettled.pop((settlement.job_id, settlement.claim), None)
        self._changed.set()

    def _count(self, settlement: Settlement) -> None:
        queue = self._queues[settlement.queue]
        if settlement.kind == "retry":
            queue.retried += 1
        elif settlement.kind == "failed":
            queue.failed += 1
        elif settlement.status == "complete":
            queue.complete += 1
        elif settlement.status == "aborted":
            queue.aborted += 1


def _report_stale(settlement: Settlement) -> None:
    logger.warning(
        "Dropped the outcome of job %s: its claim is no longer held.",
        settlement.job_id,
        extra={"action": "stale_settle", "job_id": settlement.job_id},
    )


def _report_unsure(settlement: Settlement) -> None:
    logger.warning(
        "The outcome of job %s was sent again after a lost reply, and its claim is no "
        "longer held: either it was written the first time and the job has gone on "
        "since, or another worker has taken the job over.",
        settlement.job_id,
        extra={"action": "unsure_settle", "job_id": settlement.job_id},
    )
