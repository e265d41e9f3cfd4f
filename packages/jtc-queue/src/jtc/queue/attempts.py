from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jtc.queue import endings
from jtc.queue.attempt import Attempt, Hooks
from jtc.queue.claimed_job import ClaimedJob, Hold
from jtc.queue.job_fields import current_job, job_fields, shown_error
from jtc.queue.latency import latency
from jtc.queue.observing import observe_start
from jtc.queue.outcomes import Outcomes
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.settlement import Settlement
from jtc.queue.stock import Stock
from jtc.queue.threads import AsyncFunction
from jtc.queue.tracing import get_tracing

logger = logging.getLogger(__name__)


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
        self._most = sys.maxsize if most is None else most
        self._functions = functions
        self._context = context
        self._hooks = hooks
        self._slots = slots
        self._worker = worker
        self._is_stopping = is_stopping
        self._ended = 0
        self._changed = asyncio.Event()
        self._outcomes = Outcomes(queues, self._changed.set)
        self._has_begun = asyncio.Event()

    @property
    def room(self) -> int:
        """How many more jobs may be claimed now.

        It is 0 while too many outcomes wait for the server: they are all that is known
        of work already done.
        """
        if len(self._outcomes) > 10 * self._slots + 100:
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
        return not self.running and not self._outcomes and not self.stock

    @property
    def holds(self) -> set[Hold]:
        """What this worker knows to hold."""
        running = {attempt.job.hold for attempt in self.running}
        return running | self._outcomes.holds | self.stock.holds

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
        self._outcomes.settle(settlement)

    async def wait_for_change(self) -> None:
        """Wait until an attempt or a settlement has ended."""
        self._changed.clear()
        await self._changed.wait()

    async def wait_for_some(self) -> None:
        """Wait until there is an attempt that runs."""
        while not self.running:
            self._has_begun.clear()
            await self._has_begun.wait()

    def tell_delays(self, listener: Callable[[float], object]) -> None:
        """Tell `listener` in how many seconds a job that goes on may run again."""
        self._outcomes.delayed = listener

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
        attempt.job.took = time.monotonic() - attempt.started
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
        job.waited = latency(job, now=now)
        endings.begin(job, worker=self._worker)
        attempt = Attempt(job, now=now)
        observe_start(job, now=now)
        self.running.add(attempt)
        self._has_begun.set()
        attempt.task = asyncio.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        run = attempt.run(self._functions, self._context, self._hooks)
        tracing = get_tracing()
        try:
            settlement = await (
                run if tracing is None else tracing.attempt(attempt, run)
            )
        except Exception as error:
            # Such as from a filter of the logs. Without an end, the job would keep its
            # slot and its lease for as long as the worker lives.
            settlement = _undecided(attempt.job, error)
        attempt.job.took = time.monotonic() - attempt.started
        # What is settled and begun from here on is not told in this job's name.
        current_job.set(None)
        # Not when somebody has let go of it.
        if attempt in self.running:
            self.running.discard(attempt)
            self._ended += 1
            if settlement is not None:
                self._outcomes.settle(settlement)
            self._begin_next()
            self._changed.set()


def _undecided(job: ClaimedJob, error: Exception) -> Settlement:
    with contextlib.suppress(Exception):
        logger.error(
            "It could not be decided what becomes of job %s: it has failed.",
            job.key,
            exc_info=shown_error(error),
            extra={"action": "attempt_undecided", **job_fields(job)},
        )
    return endings.failed(job, f"undecided: {type(error).__name__} in the worker")
