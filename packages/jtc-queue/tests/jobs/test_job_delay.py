from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.jobs import Job
from jtc.queue import RedisQueue, Worker

AtWork = Callable[..., AbstractAsyncContextManager[Worker]]


class Simple(Job):
    async def handle(self) -> str:
        return "done"


async def server_time(queue: RedisQueue) -> float:
    seconds, microseconds = await queue.redis.time()
    return float(seconds + microseconds / 1e6)


async def score_of(queue: RedisQueue, job_id: str) -> float:
    score = await queue.redis.zscore(queue.keys.incomplete, queue.job_id(job_id))
    assert score is not None
    return float(score)


@pytest.mark.parametrize("error", [-86_400, 0, 86_400])
async def test_a_delay_counts_on_the_clock_of_the_server(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    # Given a dispatcher whose clock is wrong
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + error)

    # When
    before = await server_time(queue)
    handle = await Simple.configure(delay=60).dispatch()
    after = await server_time(queue)

    # Then
    assert before + 60 <= await score_of(queue, handle.id) <= after + 60


async def test_a_delay_has_fractions_of_a_second(queue: RedisQueue) -> None:
    before = await server_time(queue)
    handles = [
        await Simple.configure(delay=delay).dispatch()
        for delay in (0.25, timedelta(milliseconds=1250), 0.000001)
    ]
    after = await server_time(queue)

    for handle, delay in zip(handles, (0.25, 1.25, 0.000001), strict=True):
        # A score is a double: it carries some tenths of a microsecond.
        score = await score_of(queue, handle.id)
        assert before + delay - 1e-5 <= score <= after + delay + 1e-5


async def test_the_document_stays_one_that_saq_can_read(queue: RedisQueue) -> None:
    handle = await Simple.configure(delay=0.5).dispatch()

    job = await queue.job(handle.id)

    assert job is not None
    assert isinstance(job.scheduled, int)
    assert job.meta["delay"] == 0.5


async def test_many_with_a_delay_wait_too(queue: RedisQueue) -> None:
    before = await server_time(queue)
    handles = await Simple.configure(delay=60.5).dispatch_many([{}] * 3)

    scores = [await score_of(queue, handle.id) for handle in handles]
    assert all(score >= before + 60.5 for score in scores)


async def test_a_short_delay_is_over_in_a_moment(
    queue: RedisQueue, at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker at rest, which looks for what waits for its time once an hour
    monkeypatch.setattr("jtc.queue.upkeep.PROMOTE_AT_REST", 3600.0)

    async with at_work(queue):
        for _ in range(3):
            handle = await Simple.configure(delay=0.05).dispatch()
            assert await handle.result(timeout=30) == "done"


async def test_a_time_is_taken_as_it_is(queue: RedisQueue) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    handle = await Simple.configure(at=at).dispatch()

    assert 0 <= await score_of(queue, handle.id) - at.timestamp() < 1


async def test_a_time_that_has_passed_is_now(
    queue: RedisQueue, at_work: AtWork
) -> None:
    past = datetime.now(UTC) - timedelta(days=1)

    async with at_work(queue):
        handle = await Simple.configure(at=past).dispatch()
        result: Any = await handle.result(timeout=30)

    assert result == "done"
