from __future__ import annotations

import asyncio
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import RedisQueue, Worker, open_client, queue_names
from jtc.queue.claims import Claims


async def test_a_queue_shows_its_name(queue: RedisQueue) -> None:
    assert repr(queue) == "<RedisQueue default>"


@pytest.mark.fault("H27")
async def test_the_pages_of_info_follow_each_other(queue: RedisQueue) -> None:
    await queue.enqueue_many([saq.Job("f", key=f"{n:02}") for n in range(25)])
    seen: list[str] = []
    for offset in (0, 10, 20):
        info = await queue.info(jobs=True, offset=offset, limit=10)
        seen += [job["key"] for job in info["jobs"]]
    assert sorted(seen) == [f"{n:02}" for n in range(25)]


async def test_the_version_asked_for_is_the_oldest_that_fits(
    queue: RedisQueue,
) -> None:
    assert await queue.version() == (6, 2, 0)


async def test_sweeping_is_left_to_the_leases(queue: RedisQueue) -> None:
    await queue.enqueue("f")
    await Claims(queue, "w1").take(1)
    assert await queue.sweep() == []
    assert await queue.count("active") == 1


async def test_waiting_for_work_takes_nothing(queue: RedisQueue) -> None:
    await queue.enqueue("f", key="one")
    await queue.enqueue("f", key="two")
    assert await queue.wait_for_work(1)
    batch = await Claims(queue, "w1").take(5)
    assert [job.key for job in batch.jobs] == ["one", "two"]


async def test_waiting_for_work_ends_when_there_is_none(queue: RedisQueue) -> None:
    assert not await queue.wait_for_work(1)


async def test_one_can_wait_for_a_job_in_the_same_process(
    queue: RedisQueue, working: Any
) -> None:
    async def f(ctx: dict[str, Any]) -> int:
        return 42

    job = await queue.enqueue("f")
    assert job is not None
    async with working(Worker(queue, [("f", f)])):
        await job.refresh(until_complete=10)
    assert (job.status, job.result) == (Status.COMPLETE, 42)


async def test_waiting_for_a_job_that_has_ended_already_returns(
    queue: RedisQueue,
) -> None:
    job = await queue.enqueue("f")
    assert job is not None
    await job.finish(Status.COMPLETE, result=1)
    await job.refresh(until_complete=1)
    assert job.result == 1


async def test_waiting_for_a_job_gives_up_after_the_time_given(
    queue: RedisQueue,
) -> None:
    job = await queue.enqueue("f")
    assert job is not None
    with pytest.raises(asyncio.TimeoutError):
        await job.refresh(until_complete=0.2)


async def test_listening_tells_the_key_and_status_of_each_job(
    queue: RedisQueue,
) -> None:
    for key in ("one", "two"):
        await queue.enqueue("f", key=key)
    seen: list[tuple[str, Status]] = []

    def note(key: str, status: Status) -> bool:
        seen.append((key, status))
        return len(seen) == 2

    await queue.listen(["one", "nothing", "two"], note, timeout=5)
    assert seen == [("one", Status.QUEUED), ("two", Status.QUEUED)]
    await queue.listen([], note)
    assert len(seen) == 2


async def test_a_call_waits_for_its_result(queue: RedisQueue, working: Any) -> None:
    async def add(ctx: dict[str, Any], *, a: int, b: int) -> int:
        return a + b

    async with working(Worker(queue, [("add", add)])):
        results = await queue.map(
            "add", [{"a": 1, "b": 2}, {"a": 3, "b": 4}], timeout=10, poll_interval=0.01
        )
    assert results == [3, 7]


@pytest.mark.fault("H26")
async def test_queues_do_not_see_each_other(redis_url: str) -> None:
    first = RedisQueue(open_client(redis_url), "app")
    second = RedisQueue(open_client(redis_url), "app2")
    await first.enqueue("f", key="one")
    assert await second.job("one") is None
    assert (await Claims(second, "w1").take(5)).jobs == ()
    assert [job.key async for job in first.iter_jobs()] == ["one"]
    assert [job.key async for job in second.iter_jobs()] == []
    await first.disconnect()
    await second.disconnect()


async def test_every_key_of_a_queue_carries_its_name(
    redis: Redis, queue: RedisQueue, working: Any
) -> None:
    async def f(ctx: dict[str, Any]) -> None:
        raise ValueError("boom")

    await queue.enqueue("f", key="one")
    await queue.enqueue("f", key="later", scheduled=4_000_000_000)
    async with working(Worker(queue, [("f", f)])):
        await asyncio.sleep(0.3)
        keys = [key.decode() for key in await redis.keys()]
    prefixes = ("saq:default:", "saq:job:default:", "jtc:default:")
    assert keys
    # The names of all queues are no queue's own, and no script touches them.
    others = [key for key in keys if not key.startswith(prefixes)]
    assert others == [queue_names.KEY]
