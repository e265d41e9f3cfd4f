"""What SAQ 0.26.4 gets wrong and this engine must not: faults H1 to H38.

Tests that take their queue and worker from `engine` can be run with plain SAQ too, to
see that they find the fault there:

    JTC_CONFORMANCE=saq pytest packages/jtc-queue/tests/conformance
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import saq
from redis import asyncio as aioredis
from saq.queue.redis import RedisQueue as SaqRedisQueue

from jtc.queue import RedisQueue, Worker, open_client


@dataclass(frozen=True, slots=True)
class Engine:
    """Makes queues and workers, ours or plain SAQ's."""

    name: str

    def queue(self, url: str, name: str = "default") -> Any:
        """Make a queue with a client of its own."""
        if self.name == "saq":
            return SaqRedisQueue(aioredis.Redis.from_url(url), name=name)
        return RedisQueue(open_client(url), name)

    def worker(self, queue: Any, *functions: Any, **options: Any) -> Any:
        """Make a worker."""
        if self.name == "saq":
            if options.get("burst"):
                options["dequeue_timeout"] = 0.5
            return saq.Worker(queue, list(functions), **options)
        return Worker(queue, functions, **options)


@pytest.fixture
def engine() -> Engine:
    return Engine(os.environ.get("JTC_CONFORMANCE", "jtc"))


@pytest.fixture
async def queue(engine: Engine, redis_url: str) -> AsyncIterator[Any]:
    """The engine's queue on an empty server."""
    queue = engine.queue(redis_url)
    yield queue
    await queue.disconnect()


@pytest.fixture
def start_process(start_program: Any, engine: Engine, redis_url: str) -> Any:
    """Start processes/worker.py."""
    program = Path(__file__).parent / "processes" / "worker.py"

    def start(worker: str, **options: Any) -> Any:
        arguments = [redis_url, engine.name, worker, json.dumps(options)]
        return start_program(program, *arguments, stderr=subprocess.PIPE, text=True)

    return start
