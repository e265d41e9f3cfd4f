from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status
from saq.queue.redis import RedisQueue as SaqRedisQueue

from jtc.queue import FailedJobs, RedisQueue, Unserializable, Worker, open_client
from jtc.queue.claims import Claims


@pytest.fixture
async def plain_saq(redis_url: str) -> AsyncIterator[SaqRedisQueue]:
    """The queue as a process that knows only SAQ sees it."""
    queue = SaqRedisQueue(open_client(redis_url))
    yield queue
    await queue.disconnect()


async def script_calls(redis: Redis) -> int:
    stats: dict[str, Any] = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


async def test_an_enqueued_job_is_readable_by_its_key(queue: RedisQueue) -> None:
    job = await queue.enqueue("add", key="one", a=1, b=2)
    assert job is not None
    stored = await queue.job("one")
    assert stored is not None
    assert stored.function == "add"
    assert stored.kwargs == {"a": 1, "b": 2}
    assert stored.status == Status.QUEUED
    assert abs(stored.queued - time.time() * 1000) < 60_000


async def test_a_key_is_enqueued_once_while_its_job_waits_or_runs(
    queue: RedisQueue,
) -> None:
    assert await queue.enqueue("add", key="one") is not None
    assert await queue.enqueue("add", key="one") is None
    # When it runs
    batch = await Claims(queue, "w1").take(1)
    assert [job.key for job in batch.jobs] == ["one"]
    # Then its key is still taken
    assert await queue.enqueue("add", key="one") is None
    assert await queue.count("incomplete") == 1


async def test_a_key_is_free_again_when_its_job_has_ended(queue: RedisQueue) -> None:
    await queue.enqueue("add", key="one")
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await job.finish(Status.COMPLETE, result=3)
    assert await queue.enqueue("add", key="one") is not None


async def test_a_key_twice_in_one_call_is_enqueued_once(queue: RedisQueue) -> None:
    jobs = [saq.Job("add", key=key) for key in ("a", "b", "a")]
    assert await queue.enqueue_many(jobs) == [True, True, False]
    assert await queue.count("queued") == 2


async def test_many_jobs_are_enqueued_in_one_call_and_in_order(
    redis: Redis, queue: RedisQueue
) -> None:
    # Given a server that knows the script
    await queue.enqueue("add", key="0")
    await redis.config_resetstat()
    # When
    jobs = [saq.Job("add", key=str(n)) for n in range(1, 1000)]
    assert all(await queue.enqueue_many(jobs))
    # Then
    assert await script_calls(redis) == 1
    batch = await Claims(queue, "w1").take(1000)
    assert [job.key for job in batch.jobs] == [str(n) for n in range(1000)]


async def test_more_jobs_than_one_call_carries_are_all_enqueued(
    queue: RedisQueue,
) -> None:
    jobs = [saq.Job("add") for _ in range(2500)]
    assert await queue.enqueue_many(jobs) == [True] * 2500
    assert await queue.count("queued") == 2500


async def test_concurrent_enqueues_share_calls(redis: Redis, queue: RedisQueue) -> None:
    await queue.enqueue("add")
    await redis.config_resetstat()
    await asyncio.gather(*(queue.enqueue("add", n=n) for n in range(300)))
    assert await queue.count("queued") == 301
    assert await script_calls(redis) <= 3


async def test_of_concurrent_enqueues_of_one_key_one_wins(queue: RedisQueue) -> None:
    jobs = await asyncio.gather(*(queue.enqueue("add", key="k") for _ in range(50)))
    assert sum(job is not None for job in jobs) == 1
    assert await queue.count("queued") == 1


@pytest.mark.parametrize(
    "value",
    [object(), {"nested": [object()]}, "\udc80", float("nan"), {"a": [float("-inf")]}],
)
async def test_an_argument_without_a_form_in_json_is_refused(
    queue: RedisQueue, value: object
) -> None:
    with pytest.raises(Unserializable, match="'add' cannot be written as JSON"):
        await queue.enqueue("add", value=value)
    assert await queue.count("incomplete") == 0


async def test_one_unserializable_job_keeps_the_whole_call_out(
    queue: RedisQueue,
) -> None:
    good, bad = saq.Job("add"), saq.Job("add", kwargs={"value": object()})
    with pytest.raises(Unserializable):
        await queue.enqueue_many([good, bad])
    assert await queue.count("incomplete") == 0


async def test_the_timeout_is_300_seconds_unless_given(queue: RedisQueue) -> None:
    ours = await queue.enqueue("add")
    given = await queue.enqueue("add", timeout=7)
    assert ours is not None
    assert given is not None
    stored = await queue.jobs([ours.key, given.key])
    assert [job.timeout for job in stored if job] == [300, 7]


async def test_a_job_for_the_future_waits_until_its_time(
    redis: Redis, queue: RedisQueue
) -> None:
    # Given
    seconds, _ = await redis.time()
    await queue.enqueue("add", key="later", scheduled=seconds + 3600)
    # Then nobody gets it
    assert (await Claims(queue, "w1").take(5)).jobs == ()
    wait = await queue.promote()
    assert wait is not None
    assert 3500 < wait <= 3600
    # When its time comes
    await redis.zadd(queue.keys.incomplete, {queue.job_id("later"): seconds - 1})
    assert await queue.promote() is None
    # Then it can be claimed
    (job,) = (await Claims(queue, "w1").take(5)).jobs
    assert job.key == "later"


@pytest.mark.parametrize("scheduled", [-5, 0, 0.0, 0.7])
@pytest.mark.fault("H35")
async def test_a_time_in_the_past_means_now(
    queue: RedisQueue, scheduled: float
) -> None:
    await queue.enqueue("add", key="k", scheduled=scheduled)
    await queue.promote()
    assert len((await Claims(queue, "w1").take(5)).jobs) == 1


async def test_a_job_never_runs_before_its_time(
    redis: Redis, queue: RedisQueue
) -> None:
    job = await queue.enqueue("add", scheduled=4_000_000_000.3)
    assert job is not None
    score = await redis.zscore(queue.keys.incomplete, job.id)
    assert score is not None
    assert 4_000_000_000.3 <= score <= 4_000_000_001


async def test_hooks_run_before_every_enqueue(queue: RedisQueue) -> None:
    seen: list[str] = []

    async def note(job: saq.Job) -> None:
        seen.append(job.key)

    queue.register_before_enqueue(note)
    await queue.enqueue("add", key="one")
    await queue.enqueue_many([saq.Job("add", key="two")])
    assert seen == ["one", "two"]


async def test_a_job_of_another_queue_is_refused(
    redis_url: str, queue: RedisQueue
) -> None:
    other = RedisQueue(open_client(redis_url), "other")
    job = saq.Job("add", queue=other)
    with pytest.raises(ValueError, match="different queue"):
        await queue.enqueue(job)
    with pytest.raises(ValueError, match="different queue"):
        await queue.enqueue_many([job])
    assert await queue.count("incomplete") == 0
    await other.disconnect()


async def test_a_job_that_plain_saq_enqueued_runs_here(
    redis: Redis,
    queue: RedisQueue,
    plain_saq: SaqRedisQueue,
    working: Any,
    eventually: Any,
) -> None:
    # Given a function that ends when SAQ has subscribed: its own wait misses the end
    # of a job that ends before.
    async def double(ctx: dict[str, Any], *, n: int) -> int:
        await eventually(redis.pubsub_numpat)
        return 2 * n

    worker = Worker(queue, [("double", double)])
    job = await plain_saq.enqueue("double", n=21)
    assert job is not None
    # When
    async with working(worker):
        await job.refresh(until_complete=10)
    # Then
    assert job.result == 42
    assert job.status == Status.COMPLETE


async def test_a_value_that_only_saq_can_write_reaches_the_function(
    queue: RedisQueue, plain_saq: SaqRedisQueue
) -> None:
    seen: list[float] = []

    async def take(ctx: dict[str, Any], *, n: float) -> None:
        seen.append(n)
        raise ValueError("boom")

    await plain_saq.enqueue("take", key="one", n=float("inf"), retries=2)
    worker = Worker(queue, [("take", take)])
    assert await worker.process()
    assert seen == [float("inf")]
    # And again when it is tried again
    assert await worker.process()
    assert seen == [float("inf")] * 2
    job = await queue.job("one")
    assert job is not None
    assert job.kwargs == {"n": float("inf")}
    # And when it is looked for among the failed ones and tried once more
    assert list(await FailedJobs(queue).retry("one")) == ["one"]
    assert await worker.process()
    assert seen == [float("inf")] * 3


async def test_saqs_own_tools_read_our_queue(
    queue: RedisQueue, plain_saq: SaqRedisQueue
) -> None:
    # Given
    await queue.enqueue("add", key="waits")
    await queue.enqueue("add", key="runs")
    await queue.enqueue("add", key="later", scheduled=4_000_000_000)
    claims = Claims(queue, "w1")
    batch = await claims.take(1)
    # Then
    assert [job.key for job in batch.jobs] == ["waits"]
    info = await plain_saq.info(jobs=True)
    assert (info["queued"], info["active"], info["scheduled"]) == (1, 1, 1)
    assert {job["key"] for job in info["jobs"]} == {"waits", "later", "runs"}
    found = await plain_saq.jobs(["runs", "nothing"])
    assert [job.function if job else None for job in found] == ["add", None]


async def test_an_enqueue_whose_caller_is_gone_still_happens(
    queue: RedisQueue,
) -> None:
    caller = asyncio.create_task(queue.enqueue("add", key="one"))
    other = asyncio.create_task(queue.enqueue("add", key="two"))
    await asyncio.sleep(0)
    caller.cancel()
    await other
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await queue.count("queued") == 2
