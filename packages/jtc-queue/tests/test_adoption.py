"""What workers of plain SAQ left behind when they were killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import saq
from redis import asyncio as aioredis
from redis.asyncio import Redis
from saq.job import Status
from saq.queue.redis import RedisQueue as SaqRedisQueue

from jtc.queue import RedisQueue, Worker, adoption
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]
Take = Callable[..., Awaitable[saq.Job]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "ADOPT_EVERY", 0.1)


@pytest.fixture
async def plain_saq(redis_url: str) -> AsyncIterator[SaqRedisQueue]:
    queue = SaqRedisQueue(aioredis.Redis.from_url(redis_url))
    yield queue
    await queue.disconnect()


@pytest.fixture
def take(queue: RedisQueue, plain_saq: SaqRedisQueue) -> Take:
    """Enqueue a job and take it as a worker of plain SAQ does."""

    async def enqueue_and_take(worker: str | None, **fields: Any) -> saq.Job:
        await queue.enqueue("f", key="one", **fields)
        job = await plain_saq.dequeue(timeout=5)
        assert job is not None
        if worker is not None:
            job.worker_id, job.attempts = worker, 1
            job.started = fields.get("started", saq.utils.now())
            await job.update(status=Status.ACTIVE)
        return job

    return enqueue_and_take


async def f(ctx: dict[str, Any]) -> int:
    return int(ctx["job"].attempts)


@pytest.mark.parametrize("worker", [None, "w1"], ids=["just taken", "begun"])
async def test_a_job_that_a_killed_worker_of_plain_saq_held_runs_here(
    *,
    queue: RedisQueue,
    take: Take,
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    worker: str | None,
) -> None:
    await take(worker)
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: queue.complete == 1)
    job = await queue.job("one")
    assert job is not None
    # It has spent no try
    assert (job.result, job.meta) == (1, {"kills": 1})
    assert "Gave back job one (f): a worker of plain SAQ left it behind." in caplog.text
    assert await queue.count("active") == 0
    # And its key is free
    assert await queue.enqueue("f", key="one") is not None


async def test_a_job_that_a_worker_of_plain_saq_runs_is_left_to_it(
    *,
    redis: Redis,
    queue: RedisQueue,
    plain_saq: SaqRedisQueue,
    take: Take,
    working: Any,
    eventually: Eventually,
) -> None:
    await plain_saq.worker_info("w1", "default")
    job = await take("w1")
    async with working(Worker(queue, [("f", f)])):
        rounds = await calls(redis, "lrange")

        async def looked_again() -> bool:
            return await calls(redis, "lrange") > rounds + 4

        await eventually(looked_again)
        assert await queue.count("active") == 1
        await job.finish(Status.COMPLETE, result="there")
    stored = await queue.job("one")
    assert stored is not None
    assert stored.result == "there"


async def calls(redis: Redis, command: str) -> int:
    stats: dict[str, Any] = await redis.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


async def test_a_job_that_somebody_runs_by_hand_is_left_to_them_until_its_timeout(
    queue: RedisQueue, plain_saq: SaqRedisQueue, working: Any, eventually: Eventually
) -> None:
    for key, started in (("long ago", 1), ("now", saq.utils.now())):
        await queue.enqueue("f", key=key, timeout=60)
        job = await plain_saq.dequeue(timeout=5)
        assert job is not None
        job.started = started
        await job.update(status=Status.ACTIVE)
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: queue.complete == 1)
    long_ago, now = await queue.jobs(["long ago", "now"])
    assert long_ago is not None
    assert now is not None
    assert (long_ago.status, now.status) == (Status.COMPLETE, Status.ACTIVE)


async def test_an_id_of_a_job_that_has_ended_is_only_removed(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    await redis.rpush(queue.keys.active, queue.job_id("gone"))  # type: ignore[misc]

    async def is_removed() -> bool:
        return await queue.count("active") == 0

    async with working(Worker(queue, [("f", f)])):
        await eventually(is_removed)
    assert (queue.complete, await redis.zcard(queue.keys.failed)) == (0, 0)


@pytest.mark.parametrize("document", [b"{oops", None])
async def test_what_is_no_job_is_moved_out_of_the_way(
    *,
    redis: Redis,
    queue: RedisQueue,
    take: Take,
    working: Any,
    eventually: Eventually,
    document: bytes | None,
) -> None:
    job = await take(None)
    if document is None:
        await redis.delete(job.id)
    else:
        await redis.set(job.id, document)

    async def nothing_is_left() -> bool:
        return await queue.count("incomplete") == 0

    async with working(Worker(queue, [("f", f)])):
        await eventually(nothing_is_left)
    assert await redis.zcard(queue.keys.failed) == (0 if document is None else 1)


async def test_of_two_who_look_one_adopts(queue: RedisQueue, take: Take) -> None:
    job = await take(None)
    digest = await queue.redis.get(job.id)
    looked_at = [(job.id, adoption.digest_of(digest))]
    first, second = Claims(queue, "w1"), Claims(queue, "w2")
    assert [job.key for job in (await first.adopt(looked_at)).jobs] == ["one"]
    assert (await second.adopt(looked_at)).jobs == ()


async def test_a_document_that_changed_meanwhile_is_left_alone(
    queue: RedisQueue, take: Take
) -> None:
    job = await take(None)
    assert (await Claims(queue, "w1").adopt([(job.id, "another")])).jobs == ()
