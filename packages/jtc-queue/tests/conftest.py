from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from jtc.queue import RedisQueue, Worker, claims, lease, open_client, upkeep
from jtc.queue.embedded import EmbeddedServer

# How long an example takes says how busy the machine is.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

Condition = Callable[[], Any]
Eventually = Callable[..., Awaitable[Any]]
StartWorker = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A real Valkey server, the suite's own."""
    folder: Path = tmp_path_factory.mktemp("valkey")
    with EmbeddedServer(folder) as running:
        yield running


@pytest.fixture
def redis_url(server: EmbeddedServer) -> str:
    """The URL of an empty server."""
    with BlockingRedis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_client(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[RedisQueue]:
    queue = RedisQueue(open_client(redis_url))
    yield queue
    await queue.disconnect()


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition (plain or async) holds and return what it returned."""

    async def wait(condition: Condition, *, within: float = 30.0) -> Any:
        deadline = time.monotonic() + within
        while True:
            result = condition()
            if isinstance(result, Awaitable):
                result = await result
            if result:
                return result
            assert time.monotonic() < deadline, f"not within {within} s: {condition}"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def working() -> Callable[[Worker], contextlib.AbstractAsyncContextManager[Worker]]:
    """Run a worker for as long as a context lasts."""

    @contextlib.asynccontextmanager
    async def run(worker: Worker) -> AsyncIterator[Worker]:
        task = asyncio.create_task(worker.start())
        try:
            yield worker
        finally:
            await worker.stop()
            await task

    return run


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers of this process look dead sooner, and be recovered sooner."""
    monkeypatch.setattr(claims, "LEASE_MS", 1500)
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.3)
    monkeypatch.setattr(upkeep, "RECOVER_EVERY", 0.1)


@pytest.fixture
def start_worker(redis_url: str) -> Iterator[StartWorker]:
    """Start processes/noting_worker.py; what still runs at the end is killed."""
    program = Path(__file__).parent / "processes" / "noting_worker.py"
    processes: list[subprocess.Popen[str]] = []

    def start(worker: str, **options: Any) -> subprocess.Popen[str]:
        arguments = [str(program), redis_url, worker, json.dumps(options)]
        command = [sys.executable, "-W", "error", *arguments]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
