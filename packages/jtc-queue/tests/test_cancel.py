from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import RedisQueue, Worker, endings
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]


async def test_a_waiting_job_is_canceled_at_once(
    redis: Redis, queue: RedisQueue
) -> None:
    job = await queue.enqueue("f", key="one", ttl=60)
    assert job is not None
    assert await queue.cancel("one", reason="not needed")
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.error) == (Status.ABORTED, "not needed")
    assert 0 < await redis.ttl(job.id) <= 60
    assert await queue.count("incomplete") == 0


async def test_a_delayed_job_is_canceled_at_once(queue: RedisQueue) -> None:
    await queue.enqueue("f", key="one", scheduled=4_000_000_000)
    assert await queue.cancel("one")
    assert await queue.count("incomplete") == 0
    assert await queue.promote() is None


async def test_the_key_of_a_canceled_job_is_free_and_runs_once(
    queue: RedisQueue,
) -> None:
    await queue.enqueue("f", key="one")
    await queue.cancel("one")
    assert await queue.enqueue("f", key="one") is not None
    batch = await Claims(queue, "w1").take(5)
    assert [job.key for job in batch.jobs] == ["one"]


async def test_what_has_ended_or_never_was_cannot_be_canceled(
    queue: RedisQueue,
) -> None:
    assert not await queue.cancel("nothing")
    await queue.enqueue("f", key="one")
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await queue.settle(endings.completed(job, "done"))
    assert not await queue.cancel("one")
    stored = await queue.job("one")
    assert stored is not None
    assert stored.result == "done"


async def test_a_job_that_ends_while_it_is_canceled_stays_ended(
    redis: Redis, queue: RedisQueue
) -> None:
    # Given a document that does not yet say that the job has ended
    job = await queue.enqueue("f", key="one")
    assert job is not None
    await redis.zrem(queue.keys.incomplete, job.id)
    before = await redis.get(job.id)
    # Then
    assert not await queue.cancel("one")
    assert await redis.get(job.id) == before


async def test_a_result_of_a_canceled_job_with_ttl_zero_or_below(
    redis: Redis, queue: RedisQueue
) -> None:
    for key, ttl in (("good", 0), ("gone", -1)):
        await queue.enqueue("f", key=key, ttl=ttl)
        assert await queue.cancel(key)
    assert await redis.ttl(queue.job_id("good")) == -1
    assert not await redis.exists(queue.job_id("gone"))


async def test_a_running_job_is_stopped_by_its_worker(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def f(ctx: dict[str, Any]) -> None:
        began.set()
        await asyncio.sleep(60)

    await queue.enqueue("f", key="one", retries=5)
    async with working(Worker(queue, [("f", f)])):
        await began.wait()
        assert await queue.cancel("one", reason="enough")

        async def has_ended() -> bool:
            job = await queue.job("one")
            return job is not None and job.status == Status.ABORTED

        await eventually(has_ended)
    job = await queue.job("one")
    assert job is not None
    assert job.error == "enough"
    assert queue.aborted == 1
    assert await redis.hlen(queue.keys.cancels) == 0  # type: ignore[misc]
    assert await queue.count("incomplete") == 0


async def test_saqs_abort_cancels(queue: RedisQueue) -> None:
    job = await queue.enqueue("f", key="one")
    assert job is not None
    await job.abort("enough")
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.error) == (Status.ABORTED, "enough")


async def test_a_job_canceled_just_before_its_retry_is_stopped_in_its_next_attempt(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given a job that was canceled while it ran, whose attempt failed before its
    # worker heard of it
    await queue.enqueue("f", key="one", retries=3)
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")
    assert await queue.cancel("one", reason="enough")
    await queue.settle(endings.retried(job, "boom"))

    # When another worker runs it
    async def f(ctx: dict[str, Any]) -> None:
        await asyncio.sleep(60)

    async def is_aborted() -> bool:
        stored = await queue.job("one")
        return stored is not None and stored.status == Status.ABORTED

    async with working(Worker(queue, [("f", f)])):
        await eventually(is_aborted)
    # Then nothing of it is left for the next job of that key
    assert await redis.hlen(queue.keys.cancels) == 0  # type: ignore[misc]


async def test_canceling_again_after_a_retry_leaves_nothing_behind(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("f", key="one", retries=3)
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await queue.cancel("one")
    await queue.settle(endings.retried(job, "boom"))
    assert await queue.cancel("one")
    assert await redis.hlen(queue.keys.cancels) == 0  # type: ignore[misc]
    assert await queue.count("incomplete") == 0


async def test_a_function_that_ends_in_spite_of_its_cancellation_is_complete(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def f(ctx: dict[str, Any]) -> str:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "saved"
        return "slept"

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)])):
        await began.wait()
        await queue.cancel("one")
        await eventually(lambda: queue.complete == 1)
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.result) == (Status.COMPLETE, "saved")
