from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from jtc.queue import endings
from jtc.queue.attempt import Attempt, Hooks
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.outage import backoff, is_outage
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.settlement import Settlement
from jtc.queue.threads import AsyncFunction

logger = logging.getLogger(__name__)

Hold = tuple[str, str]
"""A job's id and the claim it is held by."""


class Attempts:
    """The attempts that a worker is running, and those that are not settled yet.

    Args:
        queue: Where the jobs come from and are settled.
        functions: What the worker can run, by name.
        context: What every attempt's `ctx` holds.
        hooks: What runs before and after each attempt.
        slots: How many attempts may run at once.
        worker: The worker's id.
    """

    def __init__(
        self,
        queue: RedisQueue,
        functions: Mapping[str, AsyncFunction],
        context: Mapping[str, Any],
        hooks: Hooks | None,
        *,
        slots: int,
        worker: str,
    ) -> None:
        self.running: set[Attempt] = set()
        self._queue = queue
        self._functions = functions
        self._context = context
        self._hooks = hooks
        self._slots = slots
        self._worker = worker
        self._unsettled: dict[Hold, Settlement] = {}
        self._again: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def free(self) -> int:
        """How many more jobs may be claimed now.

        It is 0 while too many outcomes wait for the server: they are all that is known
        of work already done.
        """
        if len(self._unsettled) > 10 * self._slots + 100:
            return 0
        return self._slots - len(self.running)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits to be settled."""
        return not self.running and not self._unsettled

    @property
    def holds(self) -> set[Hold]:
        """What this worker knows to hold."""
        running = {(a.job.id, a.job.claim) for a in self.running}
        return running | self._unsettled.keys()

    def start(self, job: ClaimedJob, *, now: float) -> None:
        """Begin an attempt.

        Args:
            job: The job, with its claim.
            now: The server's clock at the claim, in epoch seconds.
        """
        endings.begin(job, worker=self._worker)
        attempt = Attempt(job, now=now)
        self.running.add(attempt)
        attempt.task = asyncio.create_task(
            attempt.run(self._functions, self._context, self._hooks)
        )
        attempt.task.add_done_callback(partial(self._ended, attempt))

    def settle(self, settlement: Settlement) -> None:
        """Send a settlement, again and again while the server is away."""
        self._unsettled[settlement.job_id, settlement.claim] = settlement
        future = self._queue.settle(settlement)
        future.add_done_callback(partial(self._settled, settlement))

    async def wait_for_change(self) -> None:
        """Wait until an attempt or a settlement has ended."""
        self._changed.clear()
        await self._changed.wait()

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
        self.settle(endings.left(attempt.job))
        attempt.leave()

    def _ended(self, attempt: Attempt, task: asyncio.Task[Settlement | None]) -> None:
        if attempt not in self.running:
            return
        self.running.discard(attempt)
        # A task that was canceled before its first step has not decided anything.
        settlement = attempt.stopped() if task.cancelled() else task.result()
        if settlement is not None:
            self.settle(settlement)
        self._changed.set()

    def _settled(self, settlement: Settlement, future: asyncio.Future[bool]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is not None and is_outage(error):
            task = asyncio.create_task(self._settle_again(settlement))
            self._again.add(task)
            task.add_done_callback(self._again.discard)
            return
        if error is not None:
            logger.error("Job %s was not settled.", settlement.job_id, exc_info=error)
        self._forget(settlement, applied=error is None and future.result())

    async def _settle_again(self, settlement: Settlement) -> None:
        failures = 1
        while True:
            await asyncio.sleep(backoff(failures))
            try:
                applied = await self._queue.settle(settlement)
            except Exception as error:
                if is_outage(error):
                    failures += 1
                    continue
                logger.exception("Job %s was not settled.", settlement.job_id)
                applied = False
            self._forget(settlement, applied=applied)
            return

    def _forget(self, settlement: Settlement, *, applied: bool) -> None:
        self._unsettled.pop((settlement.job_id, settlement.claim), None)
        self._changed.set()
        if not applied:
            logger.warning(
                "Dropped the outcome of job %s: its claim is no longer held.",
                settlement.job_id,
                extra={"action": "stale_settle", "job_id": settlement.job_id},
            )
            return
        self._count(settlement)

    def _count(self, settlement: Settlement) -> None:
        queue = self._queue
        if settlement.kind == "retry":
            queue.retried += 1
        elif settlement.kind == "failed":
            queue.failed += 1
        elif settlement.status == "complete":
            queue.complete += 1
        elif settlement.status == "aborted":
            queue.aborted += 1
