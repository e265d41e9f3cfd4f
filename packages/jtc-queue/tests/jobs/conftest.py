from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from jtc.jobs import (
    Discard,
    Job,
    JobManager,
    default_container,
    runner,
    set_container,
)
from jtc.queue import RedisQueue, Worker

Working = Callable[[Worker], AbstractAsyncContextManager[Worker]]
AtWork = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture(autouse=True)
def process_state(new_process: None) -> None:
    """Each test begins like a new process."""


@pytest.fixture
def queue_name() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
async def queue(redis_url: str, queue_name: str) -> AsyncIterator[RedisQueue]:
    """This process's queue, which no other test uses."""
    JobManager.initialize(redis_url, queue_name)
    yield JobManager.get_queue()
    await JobManager.close()


@pytest.fixture
def work_off() -> Callable[[RedisQueue], Awaitable[None]]:
    """Run a worker until the queue is empty."""

    async def run(queue: RedisQueue) -> None:
        set_container(default_container())
        # Not one burst: what matters is what becomes of the jobs, retries included.
        async with asyncio.timeout(30):
            while await queue.count("incomplete"):
                await Worker(queue, [("runner", runner)], burst=True).start()

    return run


@pytest.fixture
def at_work(working: Working) -> AtWork:
    """Let a worker run jobs for as long as a context lasts."""

    def run(queue: RedisQueue, **options: Any) -> AbstractAsyncContextManager[Worker]:
        set_container(default_container())
        return working(Worker(queue, [("runner", runner)], **options))

    return run


@pytest.fixture
def ran() -> list[str]:
    """What the jobs of a test have noted."""
    return []


@pytest.fixture
def step(ran: list[str]) -> Any:
    """A job that notes its word; what it is to do is in its payload.

    `fails` says how often it fails before it does it.
    """

    class Step(Job):
        word: str
        fails: int = 0
        is_useless: bool = False

        async def handle(self) -> str:
            ran.append(self.word)
            if self.is_useless:
                raise Discard("no use")
            if ran.count(self.word) <= self.fails:
                raise ConnectionError(f"no {self.word}")
            return f"did {self.word}"

    return Step
