from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis

from jtc.queue import RedisQueue, Worker
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]


async def claimable(queue: RedisQueue) -> list[str]:
    """The keys of the jobs that a worker can get, in order."""
    holder, keys = Claims(queue, "w1"), []
    while (batch := await holder.take(1000)).met:
        keys += [job.key for job in batch.jobs]
    return keys


async def test_nothing_waits_in_an_empty_queue(queue: RedisQueue) -> None:
    assert await queue.promote() is None


async def test_due_jobs_are_queued(redis: Redis, queue: RedisQueue) -> None:
    for key, ago in (("b", 5), ("a", 9), ("c", 1)):
        seconds, _ = await redis.time()
        await queue.enqueue("f", key=key, scheduled=seconds - ago)
    assert await queue.promote() is None
    # The first one's id was put into the empty list to wake a worker.
    assert sorted(await claimable(queue)) == ["a", "b", "c"]


async def test_it_says_when_the_next_one_is_due(
    redis: Redis, queue: RedisQueue
) -> None:
    seconds, _ = await redis.time()
    await queue.enqueue("f", scheduled=seconds - 1)
    await queue.enqueue("f", scheduled=seconds + 100)
    wait = await queue.promote()
    assert wait is not None
    assert 90 < wait <= 100
    assert len(await claimable(queue)) == 1


@pytest.mark.fault("H23")
async def test_more_due_jobs_than_one_call_carries_are_all_queued(
    redis: Redis, queue: RedisQueue
) -> None:
    seconds, _ = await redis.time()
    await queue.enqueue_many([saq.Job("f", scheduled=seconds - 1) for _ in range(1200)])
    assert await queue.promote() is None
    assert len(await claimable(queue)) == 1200


async def test_concurrent_promotions_queue_a_job_once(
    redis: Redis, queue: RedisQueue
) -> None:
    seconds, _ = await redis.time()
    await queue.enqueue_many([saq.Job("f", scheduled=seconds - 1) for _ in range(100)])
    await asyncio.gather(*(queue.promote() for _ in range(5)))
    assert len(await claimable(queue)) == 100


async def test_saqs_schedule_promotes(redis: Redis, queue: RedisQueue) -> None:
    seconds, _ = await redis.time()
    await queue.enqueue("f", scheduled=seconds - 1)
    assert await queue.schedule() == []
    assert len(await claimable(queue)) == 1


async def test_a_worker_runs_a_delayed_job_when_its_time_comes(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    ran: list[int] = []

    async def f(ctx: dict[str, Any]) -> None:
        ran.append((await redis.time())[0])

    seconds, _ = await redis.time()
    await queue.enqueue("f", scheduled=seconds + 1)
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: ran)
    assert ran[0] >= seconds + 1
