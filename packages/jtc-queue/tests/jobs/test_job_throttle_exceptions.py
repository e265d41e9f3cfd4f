from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jtc.jobs import (
    Discard,
    Fail,
    InvalidOption,
    Job,
    Release,
    Retry,
    ThrottleExceptions,
    default_container,
    runner,
    set_container,
)
from jtc.queue import JobTimeout, RedisQueue, Worker

ran: list[str] = []
ERRORS = {
    error.__name__: error
    for error in (ValueError, ConnectionError, Discard, Fail, Retry)
}


@pytest.fixture(autouse=True)
def fresh() -> None:
    ran.clear()
    set_container(default_container())


async def work(
    queue: RedisQueue, *handled: str, job_class: type[Charge] | None = None
) -> list[str]:
    """Run jobs one after the other, and return how those that began did."""
    ran.clear()
    for how in handled:
        await (job_class or Charge).dispatch(how=how)
        await Worker(queue, [("runner", runner)], burst=True).start()
    return ran.copy()


async def waiting(queue: RedisQueue) -> int:
    return await queue.count("incomplete")


class Charge(Job, middleware=[ThrottleExceptions(2, per=600, wait=300)]):
    how: str

    async def handle(self) -> None:
        ran.append(self.how)
        if self.how == "Release":
            raise Release(after=1)
        if self.how in ERRORS:
            raise ERRORS[self.how]("no")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("failures", 0),
        ("failures", 10_001),
        ("failures", "3"),
        ("per", 0),
        ("wait", -1),
        ("exceptions", ()),
        ("exceptions", BaseException),
        ("exceptions", ValueError()),
        ("key", 7),
        ("name", ""),
    ],
)
def test_what_means_nothing_is_refused(option: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"class ThrottleExceptions: {option}="):
        ThrottleExceptions(**{"failures": 3, option: value})


async def test_after_so_many_failures_nothing_begins(queue: RedisQueue) -> None:
    assert await work(queue, "ValueError", "ConnectionError", "well") == [
        "ValueError",
        "ConnectionError",
    ]
    # And what came too late waits, with its try
    redis: Any = queue.redis
    ((job_id, score),) = await redis.zrange(
        queue.keys.incomplete, 0, -1, withscores=True
    )
    seconds, _ = await redis.time()
    assert 200 < score - seconds <= 301
    job = await queue.job(queue.job_key_from_id(job_id.decode()))
    assert job is not None
    assert job.attempts == 0
    assert job.meta["released"]["reason"] == "2 have failed"


async def test_a_success_clears_the_count(queue: RedisQueue) -> None:
    how = ["ValueError", "well", "ValueError", "well", "ValueError"]
    assert await work(queue, *how) == how
    assert await waiting(queue) == 0


async def test_retry_and_fail_are_failures_and_the_others_are_not(
    queue: RedisQueue,
) -> None:
    harmless = ["Release", "Discard", "Discard"]
    assert await work(queue, *harmless) == harmless
    assert await work(queue, "Retry", "Fail", "well") == ["Retry", "Fail"]


async def test_only_what_is_named_counts(queue: RedisQueue) -> None:
    class Bank(
        Charge,
        middleware=[ThrottleExceptions(1, wait=300, exceptions=ConnectionError)],
    ):
        pass

    said = await work(
        queue, "ValueError", "ValueError", "ConnectionError", "well", job_class=Bank
    )

    assert said == ["ValueError", "ValueError", "ConnectionError"]


async def test_what_takes_too_long_counts_as_a_timeout(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    class Slow(
        Job, timeout=1, middleware=[ThrottleExceptions(1, exceptions=JobTimeout)]
    ):
        async def handle(self) -> None:
            ran.append("slow")
            await asyncio.sleep(60)

    await Slow.dispatch()
    async with at_work(queue):
        await eventually(lambda: queue.failed == 1)
        await Slow.dispatch()
        await eventually(lambda: _is_released(queue))

    assert ran == ["slow"]


async def _is_released(queue: RedisQueue) -> bool:
    redis: Any = queue.redis
    return bool(await redis.zcount(queue.keys.incomplete, 1, "+inf"))


async def test_a_job_that_somebody_cancels_has_not_failed(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    class Long(Job, middleware=[ThrottleExceptions(1, wait=300)]):
        seconds: float

        async def handle(self) -> None:
            ran.append("long")
            await asyncio.sleep(self.seconds)

    handle = await Long.dispatch(seconds=60)
    async with at_work(queue):
        await eventually(lambda: ran)
        await handle.cancel()
        await eventually(lambda: queue.aborted == 1)
        await Long.dispatch(seconds=0)
        await eventually(lambda: queue.complete == 1)


async def test_each_key_is_counted_apart(queue: RedisQueue) -> None:
    class Bank(Charge, middleware=[ThrottleExceptions(1, wait=300, key="how")]):
        pass

    said = await work(queue, "ValueError", "ValueError", "well", "well", job_class=Bank)

    assert said == ["ValueError", "well", "well"]


async def test_when_the_wait_is_over_jobs_begin_again(
    queue: RedisQueue, at_work: Any, eventually: Any
) -> None:
    class Bank(Charge, middleware=[ThrottleExceptions(1, per=60, wait=0.5)]):
        pass

    # Given one that failed and two that wait
    for how in ("ValueError", "well", "well"):
        await Bank.dispatch(how=how)
    async with at_work(queue, concurrency=1):
        # Then
        await eventually(lambda: queue.complete == 2)

    assert ran == ["ValueError", "well", "well"]
    assert await waiting(queue) == 0


async def test_what_it_keeps_expires(queue: RedisQueue) -> None:
    async def kept() -> list[Any]:
        return [key async for key in queue.redis.scan_iter(f"{queue.keys.limits}*")]

    for how in ("ValueError", "ConnectionError"):
        await work(queue, how)
        (key,) = await kept()
        assert await queue.redis.pttl(key) > 0


async def test_without_a_queue_nothing_is_counted() -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await Charge.dispatch_sync(how="ValueError")

    assert len(ran) == 3
