from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import InvalidFilter, Minute, QueueHistory, RedisQueue, Worker
from jtc.queue.measures import BOUNDS, Histogram
from jtc.queue.quantile import quantile


async def echo(ctx: dict[str, Any]) -> None:
    pass


async def error(ctx: dict[str, Any]) -> None:
    raise ValueError("no luck")


async def now(queue: RedisQueue) -> datetime:
    seconds, _ = await queue.redis.time()
    return datetime.fromtimestamp(seconds, tz=UTC)


async def test_a_queue_that_did_nothing_has_empty_minutes(queue: RedisQueue) -> None:
    before = await now(queue)
    minutes = await QueueHistory(queue).last()
    assert len(minutes) == 60
    assert [one.at for one in minutes[1:]] == [
        one.at + timedelta(minutes=1) for one in minutes[:-1]
    ]
    assert minutes[0] == Minute(minutes[0].at)
    assert before - timedelta(minutes=1) < minutes[-1].at <= await now(queue)


async def test_what_workers_did_is_in_the_minute_that_runs(queue: RedisQueue) -> None:
    # Given
    for _ in range(4):
        await queue.enqueue("echo")
    await queue.enqueue("error", retries=2)
    # When
    await Worker(queue, [echo, error], burst=True).start()
    # Then it is one of the last two, should a new one have begun
    minutes = await QueueHistory(queue).last(2)
    assert [
        sum(getattr(one, name) for one in minutes)
        for name in ("complete", "failed", "retried", "aborted")
    ] == [4, 1, 1, 0]
    waits = [(m.wait_p50, m.wait_p95) for m in minutes if m.wait_p50 is not None]
    assert waits
    assert all(0 < p50 <= (p95 or 0) < 60 for p50, p95 in waits)


async def test_each_minute_has_what_was_counted_in_it(queue: RedisQueue) -> None:
    # Given a minute with waits in one bucket, and an older one
    newest = int((await now(queue)).timestamp() // 60)
    counts: dict[str | bytes, int] = {"complete": 8, "waited:6": 10, "other": 1}
    for minute in range(newest - 1, newest + 2):
        await queue.redis.hset(f"{queue.keys.ended}{minute}", mapping=counts)  # type: ignore[misc]
    # When
    minutes = await QueueHistory(queue).last(2)
    # Then
    assert [one.complete for one in minutes] == [8, 8]
    assert minutes[0].wait_p50 == pytest.approx((BOUNDS[5] + BOUNDS[6]) / 2)


async def test_it_is_one_call(queue: RedisQueue) -> None:
    history = QueueHistory(queue)
    await history.last()
    await queue.redis.config_resetstat()
    await history.last(120)
    stats = await queue.redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1
    assert stats["cmdstat_hgetall"]["calls"] == 120


@pytest.mark.parametrize("minutes", [0, -1, 121])
async def test_more_minutes_than_are_kept_are_refused(
    queue: RedisQueue, minutes: int
) -> None:
    with pytest.raises(InvalidFilter, match="120"):
        await QueueHistory(queue).last(minutes)


# -- quantiles of buckets --------------------------------------------------------------

TIMES = st.lists(st.floats(0, 5000), min_size=1, max_size=60)
SHARES = st.sampled_from([0.0, 0.5, 0.95, 1.0])


@given(times=TIMES, share=SHARES)
def test_a_quantile_lies_in_the_bucket_of_the_true_one(
    times: list[float], share: float
) -> None:
    # Given
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    # When
    found = quantile(share, histogram.counts, BOUNDS)
    # Then
    true = sorted(times)[max(0, math.ceil(share * len(times)) - 1)]
    ends = (0.0, *BOUNDS)
    upper = min((end for end in BOUNDS if end >= true), default=BOUNDS[-1])
    lower = ends[ends.index(upper) - 1]
    assert found is not None
    assert lower <= found <= upper


@given(times=TIMES)
def test_a_larger_share_has_no_smaller_quantile(times: list[float]) -> None:
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    found = [quantile(share / 20, histogram.counts, BOUNDS) for share in range(21)]
    numbers = [number for number in found if number is not None]
    assert len(numbers) == 21
    assert numbers == sorted(numbers)


def test_of_no_numbers_there_is_no_quantile() -> None:
    assert quantile(0.5, [0, 0], [1.0]) is None
    assert quantile(0.5, [], [1.0]) is None
