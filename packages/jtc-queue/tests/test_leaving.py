from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from saq.job import Status

from jtc.queue import RedisQueue, Worker, endings
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]


async def test_a_job_whose_thread_goes_on_is_not_given_to_another_worker(
    queue: RedisQueue,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a worker that stops while a plain function runs
    began, may_end = threading.Event(), threading.Event()

    def block(ctx: dict[str, Any]) -> None:
        began.set()
        may_end.wait(30)

    worker = Worker(queue, [("block", block)], grace=0.0)
    job = await queue.enqueue("block")
    assert job is not None
    working = asyncio.create_task(worker.start())
    await eventually(began.is_set)
    await worker.stop()
    await working
    # Then its job is still claimed, by a worker that is taken to live
    redis: Any = queue.redis
    assert await redis.hexists(queue.keys.claims, job.id)
    assert await redis.zscore(queue.keys.workers, worker.id) is not None
    assert await queue.count("queued") == 0
    assert "failed" not in caplog.text
    # And once it is gone, another gives the job back: no try spent, no kill noted
    may_end.set()
    other = Claims(queue, "other")
    await other.renew()
    await redis.zadd(queue.keys.workers, {worker.id: 1})
    (found,) = (await other.recover()).taken.jobs
    assert await queue.settle(endings.lost(found))
    waiting = await queue.job(job.key)
    assert waiting is not None
    assert (waiting.status, waiting.attempts) == (Status.QUEUED, 0)
    assert waiting.meta == {}
