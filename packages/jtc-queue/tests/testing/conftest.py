from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest

from jtc.jobs import JobManager, default_container, runner, set_container
from jtc.queue import Scheduler, TaskFunction, Worker, load_settings, task_function_name
from jtc.schedule import ScheduleRegistry
from jtc.testing import QueueFake

Condition = Callable[[], Any]


class Engine(Protocol):
    """What runs jobs in a test of the conformance suite."""

    def now(self) -> float:
        """The time in epoch seconds."""
        ...

    async def work(self) -> None:
        """Run what is due now, and what that leads to at once."""
        ...

    async def live_until(self, condition: Condition) -> None:
        """Run jobs and ticks as time passes, until something holds."""
        ...


class FakeEngine:
    """`jtc_queue`: time passes when it is told to."""

    def __init__(self, queue: QueueFake) -> None:
        self._queue = queue

    def now(self) -> float:
        return self._queue.clock.time()

    async def work(self) -> None:
        while await self._queue.run_pending():
            pass

    async def live_until(self, condition: Condition) -> None:
        for _ in range(100):
            await self.work()
            if await _holds(condition):
                return
            self._queue.clock.travel(seconds=1)
        raise AssertionError(f"not in 100 seconds: {condition}")


class RealEngine:
    """A worker on a real server: time passes by itself."""

    def __init__(self, eventually: Callable[..., Awaitable[Any]]) -> None:
        self._eventually = eventually

    def now(self) -> float:
        return time.time()

    async def work(self) -> None:
        async with asyncio.timeout(30):
            await self._worker(burst=True).start()

    async def live_until(self, condition: Condition) -> None:
        worker = self._worker(burst=False)
        task = asyncio.create_task(worker.start())
        try:
            await self._eventually(condition, within=60)
        finally:
            await worker.stop()
            await task

    def _worker(self, *, burst: bool) -> Worker:
        settings = load_settings()
        queues = [JobManager.get_queue(name) for name in settings.queues.names]
        tasks = ScheduleRegistry.get_all()
        functions = [(task_function_name(task), TaskFunction(task)) for task in tasks]
        return Worker(
            queues,
            [("runner", runner), *functions],
            # Jobs are then run in the order in which they are claimed.
            concurrency=1,
            scheduler=Scheduler(JobManager.get_queue(), tasks),
            burst=burst,
            takes_signals=False,
        )


async def _holds(condition: Condition) -> Any:
    result = condition()
    return await result if isinstance(result, Awaitable) else result


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two queues, the first one first."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("QUEUE_NAME", "high,default")


@pytest.fixture(params=["fake", "real"])
def engine(
    request: pytest.FixtureRequest,
    environment: None,
    jtc_registry: Any,
    eventually: Callable[..., Awaitable[Any]],
) -> Iterator[Engine]:
    """The fake and the real thing, one after the other."""
    if request.param == "fake":
        yield FakeEngine(request.getfixturevalue("jtc_queue"))
        return
    request.getfixturevalue("jtc_server")
    set_container(default_container())
    with contextlib.ExitStack() as stack:
        stack.callback(set_container, None)
        yield RealEngine(eventually)


@pytest.fixture
def fake(environment: None, jtc_registry: Any, jtc_queue: QueueFake) -> QueueFake:
    """The fake queue, with registries of its own."""
    return jtc_queue
