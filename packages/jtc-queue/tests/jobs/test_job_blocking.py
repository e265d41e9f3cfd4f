"""Dispatching from synchronous code: a view of Django, a script, threads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis.exceptions import RedisError

from jtc.jobs import InvalidPayload, Job, JobHandle, JobManager
from jtc.queue import RedisQueue


class Receipt(Job):
    order_id: int

    async def handle(self) -> int:
        return self.order_id


async def test_threads_dispatch_side_by_side(queue: RedisQueue) -> None:
    # Given views that run in threads
    def view(number: int) -> JobHandle:
        return Receipt(order_id=number).dispatch_blocking(tries=3)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as pool:
        handles = await asyncio.gather(
            *(loop.run_in_executor(pool, view, number) for number in range(100))
        )
    # Then each job is there, by one loop that all of them share
    found = await queue.jobs([handle.id for handle in handles])
    orders: list[Any] = [((job and job.kwargs) or {})["payload"] for job in found]
    assert [order["order_id"] for order in orders] == list(range(100))
    loops = [one for one in threading.enumerate() if one.name == "jtc-dispatch"]
    assert len(loops) == 1


async def test_a_wrong_payload_is_refused_in_the_thread_that_sent_it(
    queue: RedisQueue,
) -> None:
    with pytest.raises(InvalidPayload, match="order_id"):
        await asyncio.to_thread(Receipt.dispatch_blocking, order_id="x")


async def test_a_server_that_is_away_is_the_callers_to_know() -> None:
    JobManager.initialize("redis://127.0.0.1:1", "nowhere")
    with pytest.raises(RedisError):
        await asyncio.to_thread(Receipt.dispatch_blocking, order_id=1)


async def test_an_event_loop_is_not_blocked(queue: RedisQueue) -> None:
    with pytest.raises(RuntimeError, match=r"await dispatch\(\) instead"):
        Receipt.dispatch_blocking(order_id=1)


SCRIPT = """
import os
from jtc.jobs import Job

class Receipt(Job, name="receipt"):
    order_id: int
    def handle(self): ...

Receipt.dispatch_blocking(order_id=1)
if os.fork() == 0:
    # A preforking web server: the parent's thread is not here.
    Receipt.dispatch_blocking(order_id=2)
else:
    os.wait()
    Receipt(order_id=3).dispatch_blocking()
"""


async def test_a_forked_process_dispatches_too(
    queue: RedisQueue, redis_url: str
) -> None:
    process = await asyncio.to_thread(
        subprocess.run,
        # Python 3.12 says that forking beside threads is risky, which is the point.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT],
        env={"REDIS_URL": redis_url, "QUEUE_NAME": queue.name},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert await queue.count("queued") == 3
