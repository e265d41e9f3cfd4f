from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from jtc.jobs import (
    JobManager,
    default_container,
    known_jobs,
    runner,
    set_container,
)
from jtc.queue import RedisQueue, Worker


@pytest.fixture(autouse=True)
def process_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins like a new process."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("QUEUE_NAME", raising=False)
    with known_jobs.scoped():
        yield
    set_container(None)
    JobManager._settings = None


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
