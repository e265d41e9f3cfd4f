from __future__ import annotations

import asyncio
from typing import Any

import pytest
import saq
from redis.asyncio import Redis

from jtc.queue import RedisQueue, Worker, sent_jobs


async def add(ctx: dict[str, Any]) -> str:
    return "done"


def jobs(*keys: str, ttl: int = -1) -> list[saq.Job]:
    return [saq.Job("add", key=key, ttl=ttl) for key in keys]


async def waiting(queue: RedisQueue) -> list[str]:
    ids = await queue.redis.lrange(queue.keys.queued, 0, -1)  # type: ignore[misc]
    return [queue.job_key_from_id(job_id.decode()) for job_id in ids]


async def test_jobs_are_put_in_their_order(queue: RedisQueue) -> None:
    assert await queue.put_once(jobs("a", "b", "c")) == [True, True, True]

    assert await waiting(queue) == ["a", "b", "c"]


async def test_what_was_put_is_not_put_again_when_it_has_ended(
    queue: RedisQueue,
) -> None:
    # Given
    await queue.put_once(jobs("a"))
    await Worker(queue, [("add", add)], burst=True).start()
    assert await queue.job("a") is None
    # When
    added = await queue.put_once(jobs("b", "a", "c"))
    # Then
    assert added == [True, False, True]
    assert await waiting(queue) == ["b", "c"]


async def test_what_was_canceled_is_not_put_again(queue: RedisQueue) -> None:
    await queue.put_once(jobs("a"))
    await queue.cancel("a")

    await queue.put_once(jobs("a"))

    assert await queue.count("incomplete") == 0


async def test_many_senders_put_a_job_once(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given groups that overlap
    monkeypatch.setattr(sent_jobs, "GROUP", 3)
    keys = [f"job-{n}" for n in range(10)]
    # When
    await asyncio.gather(*(queue.put_once(jobs(*keys[n:])) for n in range(6)))
    # Then
    assert sorted(await waiting(queue)) == sorted(keys)


async def test_nothing_to_put_is_no_call(queue: RedisQueue, redis: Redis) -> None:
    await queue.put_once([])
    await queue.note_sent([])

    assert await redis.keys() == []


async def test_what_was_noted_is_remembered_for_minutes_only(
    queue: RedisQueue, redis: Redis
) -> None:
    # Given
    await queue.put_once(jobs("a", "b"))
    # When
    await queue.note_sent(["a", "never put"])
    # Then
    clock, _ = await redis.time()
    remembered = await redis.zrange(queue.keys.sent, 0, -1, withscores=True)
    left = {queue.job_key_from_id(i.decode()): until - clock for i, until in remembered}
    assert set(left) == {"a", "b"}
    assert 0 < left["a"] <= 600
    assert left["b"] > 6 * 24 * 3600


async def test_what_has_been_remembered_long_enough_may_come_again(
    queue: RedisQueue, redis: Redis
) -> None:
    await queue.put_once(jobs("a"))
    await Worker(queue, [("add", add)], burst=True).start()
    await redis.zadd(queue.keys.sent, {queue.job_id("a"): 1})

    await queue.put_once(jobs("a"))

    assert await waiting(queue) == ["a"]


async def test_delay_and_unique_count_as_in_put(
    queue: RedisQueue, redis: Redis
) -> None:
    late, first, second = jobs("late", "first", "second")
    late.meta = {"delay": 600}
    first.meta = second.meta = {"unique": {"key": "k", "until": "finish", "ttl": 60}}

    assert await queue.put_once([late, first, second]) == [True, True, False]

    assert await waiting(queue) == ["first"]
    due = await redis.zscore(queue.keys.incomplete, queue.job_id("late"))
    clock, _ = await redis.time()
    assert due is not None
    assert 500 < due - clock <= 601


async def test_plain_jobs_are_not_remembered(queue: RedisQueue, redis: Redis) -> None:
    await queue.put(jobs("a")[0])

    assert await redis.exists(queue.keys.sent) == 0
