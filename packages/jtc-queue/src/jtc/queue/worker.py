from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets
import socket
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import saq
from saq.types import Context

from jtc.queue.attempts import Attempts
from jtc.queue.claiming import Claiming, park_unreadable
from jtc.queue.claims import Claims
from jtc.queue.draining import cancel_all, drain, within
from jtc.queue.lease import RENEW_EVERY, Lease
from jtc.queue.periodic import repeat
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.signals import handle_signals
from jtc.queue.threads import Function, as_async
from jtc.queue.upkeep import Upkeep

if TYPE_CHECKING:
    from jtc.queue.scheduler import Scheduler

logger = logging.getLogger(__name__)

Hooks = Function | Collection[Function]

GRACE = 30.0
"""Seconds that running jobs get to end after the first signal."""
FRONT_PATIENCE = 1.0
"""Seconds that a claim on its way gets to bring what it claimed."""


class Worker(saq.Worker[Context]):
    """Claims jobs, runs them and settles them until it is told to stop.

    SAQ's worker is its base: functions, context and hooks are SAQ's. What touches Redis
    is ours.

    Args:
        queue: The queue to work on.
        functions: Functions by their `__qualname__`, or `(name, function)` pairs.
            Synchronous ones run in a thread.
        id: Names the worker; host, process and a random part unless given.
        concurrency: How many jobs run at once.
        scheduler: Fires the ticks of scheduled tasks while the worker runs.
        schedulers: Further ones, for tasks that are scheduled in other queues.
        startup: Called with the context before the first job.
        shutdown: Called with the context after the last.
        before_process: Called with the attempt's context before its function.
        after_process: The same after it, with `exception` if there was one.
        burst: Whether to stop when the queue is empty.
        grace: Seconds that running jobs get to end after the first signal; then they
            are canceled and given back without spending a try.
        metadata: Shown by SAQ's tools.
    """

    def __init__(
        self,
        queue: RedisQueue,
        functions: Iterable[Function | tuple[str, Function]],
        *,
        id: str | None = None,  # noqa: A002 - SAQ's name
        concurrency: int = 10,
        scheduler: Scheduler | None = None,
        schedulers: Sequence[Scheduler] = (),
        startup: Hooks | None = None,
        shutdown: Hooks | None = None,
        before_process: Hooks | None = None,
        after_process: Hooks | None = None,
        burst: bool = False,
        grace: float = GRACE,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            queue,
            list(functions),
            id=id or new_worker_id(),
            concurrency=concurrency,
            startup=_as_async_hooks(startup),
            shutdown=_as_async_hooks(shutdown),
            before_process=_as_async_hooks(before_process),
            after_process=_as_async_hooks(after_process),
            metadata=metadata,
        )
        self.queue: RedisQueue = queue
        self.burst = burst
        self.grace = grace
        self.schedulers = (*((scheduler,) if scheduler else ()), *schedulers)
        self._started = False
        self._hurry = asyncio.Event()
        self._ended = asyncio.Event()
        self._claims = Claims(queue, self.id)
        self._attempts = Attempts(
            queue,
            {name: as_async(function) for name, function in self.functions.items()},
            self.context,
            _Hooks(self) if before_process or after_process else None,
            slots=concurrency,
            worker=self.id,
        )

    async def start(self) -> None:
        """Work until a signal, `stop`, or the end of a burst; then stop cleanly.

        The first SIGINT or SIGTERM lets running jobs end, the second stops them.
        """
        if self._ended.is_set():
            self.event, self._hurry, self._ended = (asyncio.Event() for _ in range(3))
        self._started = True
        try:
            with handle_signals(self._signal):
                for hook in self.startup or ():
                    await hook(self.context)
                await self._work()
        finally:
            try:
                await self._shut_down()
            finally:
                self._started = False
                self._ended.set()

    async def stop(self) -> None:
        """Stop as the first signal does, and wait until the worker has ended."""
        self.event.set()
        if self._started:
            await self._ended.wait()

    async def process(self) -> bool:
        """Claim, run and settle one job in the foreground.

        Returns:
            False when there was none.
        """
        batch = await self._claims.take(1)
        for job in batch.jobs:
            self._attempts.start(job, now=batch.now)
        park_unreadable(self._attempts, batch)
        ended = asyncio.Event()
        duties = [
            asyncio.create_task(repeat(duty, stop=ended))
            for duty in (self._upkeep().watch, self._renew_later)
        ]
        try:
            await self._attempts.wait_until_idle()
        finally:
            await cancel_all(duties)
        return bool(batch.jobs)

    async def _work(self) -> None:
        await self._claims.renew()
        lease = Lease(self.queue, self.id)
        lease.start()
        drained = asyncio.Event()
        claiming = Claiming(
            self.queue, self._claims, self._attempts, stop=self.event, burst=self.burst
        )
        duties = [
            asyncio.create_task(repeat(duty, stop=drained))
            for duty in self._upkeep().duties
        ]
        fronts = [asyncio.create_task(repeat(claiming.step, stop=self.event))]
        schedulers = () if self.burst else self.schedulers
        fronts += [
            asyncio.create_task(repeat(scheduler.step, stop=self.event))
            for scheduler in schedulers
        ]
        try:
            await self.event.wait()
        finally:
            self.event.set()
            claiming.interrupt()
            await asyncio.wait(fronts, timeout=FRONT_PATIENCE)
            await cancel_all(fronts)
            await drain(self._attempts, grace=self.grace, hurry=self._hurry)
            drained.set()
            await cancel_all(duties)
            lease.stop()
            await self._resign()
            await asyncio.gather(*(scheduler.close() for scheduler in schedulers))

    async def _renew_later(self) -> float:
        await asyncio.sleep(RENEW_EVERY)
        await self._claims.renew()
        return 0.0

    def _upkeep(self) -> Upkeep:
        return Upkeep(self.queue, self._claims, self._attempts, self.worker_info)

    async def _resign(self) -> None:
        # Without it the lease runs out by itself.
        with contextlib.suppress(Exception):
            await within(1.0, self._claims.resign())

    async def _shut_down(self) -> None:
        hooks: Any = self.shutdown
        for hook in hooks:
            await hook(self.context)

    def _signal(self) -> None:
        (self._hurry if self.event.is_set() else self.event).set()


def _as_async_hooks(given: Hooks | None) -> Any:
    # SAQ would run synchronous ones in a pool that is gone after the first stop.
    many = (given,) if callable(given) else given or ()
    return [as_async(hook) for hook in many]


class _Hooks:
    """SAQ's before- and after-process hooks in the form an attempt calls them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def before(self, context: dict[str, Any]) -> None:
        await self._worker._before_process(context)  # type: ignore[arg-type]  # noqa: SLF001

    async def after(self, context: dict[str, Any]) -> None:
        await self._worker._after_process(context)  # type: ignore[arg-type]  # noqa: SLF001


def new_worker_id() -> str:
    """Name a worker after its host and process, with a part that no other has."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:60]
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
