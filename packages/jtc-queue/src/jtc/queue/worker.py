from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

import saq
from saq.types import Context

from jtc.queue.attempts import Attempts
from jtc.queue.background import close_backgrounds
from jtc.queue.claiming import Claiming, park_unreadable
from jtc.queue.draining import cancel_all, drain
from jtc.queue.events import WorkerStarted, WorkerStopped
from jtc.queue.function_table import function_table
from jtc.queue.limits import Limits
from jtc.queue.listeners import announce
from jtc.queue.memory import resident_bytes
from jtc.queue.periodic import Duty, repeat, wake_all
from jtc.queue.queue_order import QueueOrder
from jtc.queue.recycling import Recycling
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.reporting import Reporting
from jtc.queue.settings import DEFAULT_GRACE
from jtc.queue.signals import handle_signals
from jtc.queue.station import Station
from jtc.queue.threads import Function, as_async
from jtc.queue.vitals import Vitals

if TYPE_CHECKING:
    from jtc.queue.scheduler import Scheduler

logger = logging.getLogger(__name__)

Hooks = Function | Collection[Function]

FRONT_PATIENCE = 1.0
"""Seconds that a claim on its way gets to bring what it claimed."""


class Worker(saq.Worker[Context]):
    """Claims jobs, runs them and settles them until it is told to stop.

    SAQ's worker is its base: functions, context and hooks are SAQ's. What touches Redis
    is ours.

    Args:
        queue: The queue to work on, or several, the first one first.
        functions: Functions by their `__qualname__`, or `(name, function)` pairs.
            Synchronous ones run in a thread.
        id: Names the worker; host, process and a random part unless given.
        weights: A weight for each of several queues, which then take turns; without
            weights, a queue gets what those before it leave.
        concurrency: How many jobs run at once, from whichever queue.
        scheduler: Fires the ticks of scheduled tasks while the worker runs.
        schedulers: Further ones, for tasks that are scheduled in other queues.
        startup: Called with the context before the first job.
        shutdown: Called with the context after the last.
        before_process: Called with the attempt's context before its function.
        after_process: The same after it, with `exception` if there was one.
        burst: Whether to stop when the queue is empty.
        grace: Seconds that running jobs get to end after the first signal; then they
            are canceled and given back without spending a try.
        limits: When the worker ends by itself, as if it had got a signal.
        takes_signals: Whether SIGINT and SIGTERM stop the worker.
        metadata: Shown by SAQ's tools.

    Raises:
        InvalidQueueOrder: No queue, two of one name, or weights that do not fit.
        UnnamedFunction: A function is an object without a name.
        DuplicateFunction: Two functions have the same name.
        SettingsError: A limit has been reached before the first job.
    """

    def __init__(
        self,
        queue: RedisQueue | Sequence[RedisQueue],
        functions: Iterable[Function | tuple[str, Function]],
        *,
        id: str | None = None,  # noqa: A002 - SAQ's name
        weights: Sequence[int] = (),
        concurrency: int = 10,
        scheduler: Scheduler | None = None,
        schedulers: Sequence[Scheduler] = (),
        startup: Hooks | None = None,
        shutdown: Hooks | None = None,
        before_process: Hooks | None = None,
        after_process: Hooks | None = None,
        burst: bool = False,
        grace: float = DEFAULT_GRACE,
        limits: Limits | None = None,
        takes_signals: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        queues = [queue] if isinstance(queue, RedisQueue) else list(queue)
        self.order = QueueOrder(tuple(q.name for q in queues), tuple(weights))
        super().__init__(
            queues[0],
            # SAQ would take the functions out of a set, in any order.
            (),
            id=id or new_worker_id(),
            concurrency=concurrency,
            startup=_as_async_hooks(startup),
            shutdown=_as_async_hooks(shutdown),
            before_process=_as_async_hooks(before_process),
            after_process=_as_async_hooks(after_process),
            metadata=metadata,
        )
        self.functions: dict[str, Function] = function_table(functions)
        self.queue: RedisQueue = queues[0]
        self.queues = tuple(queues)
        self.burst = burst
        self.grace = grace
        self.limits = limits or Limits()
        self.limits.check(memory=resident_bytes())
        self.takes_signals = takes_signals
        #: Why the worker has ended by itself; None if it has not.
        self.limit_reached: str | None = None
        #: Whether it has ended because somebody wants all workers to be restarted.
        self.restart_asked = False
        self._recycling: Recycling | None = None
        self.schedulers = (*((scheduler,) if scheduler else ()), *schedulers)
        self._started = False
        self._hurry = asyncio.Event()
        self._ended = asyncio.Event()
        self._attempts = Attempts(
            queues,
            {name: as_async(function) for name, function in self.functions.items()},
            self.context,
            _Hooks(self) if before_process or after_process else None,
            slots=concurrency,
            worker=self.id,
            is_stopping=self._is_stopping,
            most=self.limits.max_jobs,
        )
        self._stations = [self._station(queue) for queue in queues]
        self.vitals = Vitals(self)

    @property
    def state(self) -> Literal["starting", "working", "stopping"]:
        """Whether it takes jobs, not yet, or no more."""
        if self.event.is_set():
            return "stopping"
        return "starting" if self._recycling is None else "working"

    async def start(self) -> None:
        """Work until a signal, `stop`, a limit or the end of a burst; stop cleanly.

        The first SIGINT or SIGTERM lets running jobs end, the second stops them.
        """
        self._begin_anew()
        self._started = True
        try:
            with handle_signals(self._signal) if self.takes_signals else nullcontext():
                for hook in self.startup or ():
                    await hook(self.context)
                await self._work_announced()
        finally:
            try:
                await self._shut_down()
            finally:
                self._started = False
                self.vitals.rest()
                self._ended.set()

    async def stop(self) -> None:
        """Stop as the first signal does, and wait until the worker has ended."""
        self.event.set()
        if self._started:
            await self._ended.wait()

    def hurry(self) -> None:
        """Stop as the second signal does: running jobs are canceled and given back."""
        self.event.set()
        self._hurry.set()

    async def process(self) -> bool:
        """Claim, run and settle one job in the foreground.

        Returns:
            False when there was none.
        """
        self._begin_anew()
        took = await self._take_one()
        ended = asyncio.Event()
        steps = [
            step for station in self._stations for step in station.foreground_steps
        ]
        duties = [asyncio.create_task(repeat(step, stop=ended)) for step in steps]
        try:
            await self._attempts.wait_until_idle()
        finally:
            await cancel_all(duties)
        return took

    async def _take_one(self) -> bool:
        for station in self._stations:
            batch = await station.claims.take(1)
            self._attempts.accept(batch.jobs, now=batch.now)
            park_unreadable(self._attempts, batch, station.queue)
            if batch.jobs:
                return True
        return False

    def _begin_anew(self) -> None:
        if self._ended.is_set():
            self.event, self._hurry, self._ended = (asyncio.Event() for _ in range(3))
            self.limit_reached = None
            self.restart_asked = False
            self._recycling = None
            self._attempts.begun = 0

    async def _work_announced(self) -> None:
        announce(WorkerStarted(worker=self.id, queues=self.order.names))
        try:
            await self._work()
        finally:
            announce(WorkerStopped(worker=self.id, queues=self.order.names))
            # Before the hooks of the end: they close what listeners may use.
            await close_backgrounds()

    async def _work(self) -> None:
        try:
            for station in self._stations:
                await station.open()
            await self._work_until_told()
        finally:
            await asyncio.gather(*(station.close() for station in self._stations))

    async def _work_until_told(self) -> None:
        drained = asyncio.Event()
        upkeeps = [station.upkeep() for station in self._stations]
        duties = [Duty(duty, stop=drained) for one in upkeeps for duty in one.duties]
        duties += [Duty(step, stop=drained) for step in self.vitals.steps]
        promotions = [Duty(one.promote, stop=drained) for one in upkeeps]
        self._attempts.tell_delays(lambda seconds: wake_all(promotions, within=seconds))
        schedules = [Duty(step, stop=self.event) for step in self._scheduling()]
        claiming = Claiming(
            [(station.queue, station.claims) for station in self._stations],
            self._attempts,
            order=self.order,
            stop=self.event,
            burst=self.burst,
            woken=lambda: wake_all([*promotions, *schedules]),
        )
        recycling = Recycling(self.limits, self._attempts, stop=self.event)
        self._recycling = recycling
        fronts = [
            Duty(step, stop=self.event) for step in (claiming.step, recycling.step)
        ]
        behind = [asyncio.create_task(duty.run()) for duty in duties + promotions]
        before = [asyncio.create_task(duty.run()) for duty in fronts + schedules]
        try:
            await self.event.wait()
            self.limit_reached = recycling.report()
            self.restart_asked = recycling.is_asked
        finally:
            self.event.set()
            await claiming.interrupt()
            await asyncio.wait(before, timeout=FRONT_PATIENCE)
            await cancel_all(before)
            await drain(self._attempts, grace=self.grace, hurry=self._hurry)
            drained.set()
            await cancel_all(behind)
            await asyncio.gather(*(one.close() for one in self.schedulers))

    def _scheduling(self) -> Iterator[Callable[[], Awaitable[float]]]:
        if not self.burst:
            yield from (scheduler.step for scheduler in self.schedulers)

    def _station(self, queue: RedisQueue) -> Station:
        reporting = Reporting(
            queue,
            self.id,
            self._describe,
            metadata=self._metadata,
            restart=self._restart,
        )
        return Station(queue, self.id, self._attempts, reporting)

    def _describe(self) -> dict[str, Any]:
        now = time.monotonic()
        looks = [one.looked for one in self.schedulers if one.looked is not None]
        return {
            "queues": str(self.order),
            "concurrency": self.concurrency,
            "running": len(self._attempts.running),
            "is_stopping": self._is_stopping(),
            # None of a worker that fires no ticks.
            "looked": round(now - min(looks), 3) if looks and not self.burst else None,
        }

    def _restart(self) -> None:
        if self._recycling is not None:
            self._recycling.ask()

    async def _shut_down(self) -> None:
        hooks: Any = self.shutdown
        for hook in hooks:
            await hook(self.context)

    def _is_stopping(self) -> bool:
        # Not the event's own method: a worker that starts again has another event.
        return self.event.is_set()

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
