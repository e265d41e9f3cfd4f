from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import RedisQueue, Worker, stock
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims
from jtc.queue.stock import MOST, Stock, jobs_ahead

Eventually = Callable[..., Awaitable[Any]]


def jobs(queue: RedisQueue, *keys: str) -> list[ClaimedJob]:
    return [ClaimedJob(function="f", key=key, queue=queue) for key in keys]


# -- how much is claimed ahead ---------------------------------------------------------


@given(
    ended=st.integers(0, 10_000),
    seconds=st.floats(0, 100),
    slots=st.integers(1, 1000),
)
def test_what_is_claimed_ahead_is_bounded(
    ended: int, seconds: float, slots: int
) -> None:
    ahead = jobs_ahead(ended, seconds, slots=slots)
    assert 0 <= ahead <= MOST
    # Only where every slot was free again within the horizon.
    if ahead:
        assert ended >= slots
        assert ended / seconds * stock.HORIZON >= slots


def test_nothing_is_claimed_ahead_of_jobs_that_take_long() -> None:
    empty = Stock(10)
    assert empty.room(10, ended=0, now=100.0) == 10
    # Ten jobs have ended in a second, and then one in a millisecond
    assert empty.room(10, ended=10, now=101.0) == 10
    assert empty.room(1, ended=11, now=101.001) == 1
    assert empty.room(0, ended=11, now=101.001) == 0


def test_jobs_that_end_at_once_are_claimed_ahead(queue: RedisQueue) -> None:
    # Given ten slots that were free again after two milliseconds
    some = Stock(10)
    some.room(10, ended=0, now=100.0)
    assert some.room(10, ended=10, now=100.002) == 10 + 50
    # Then no more are claimed until half of them have begun
    some.add(jobs(queue, *map(str, range(50))), server_now=5.0, now=100.003)
    assert some.room(0, ended=20, now=100.004) == 0
    for _ in range(26):
        some.take()
    assert some.room(0, ended=46, now=100.009) > 0


def test_claims_of_a_few_do_not_hide_the_pace() -> None:
    # Given ten slots, of which two at a time become free
    some = Stock(10)
    some.room(10, ended=0, now=100.0)
    room = [some.room(2, ended=2 * n, now=100.0 + n * 0.0002) for n in range(1, 6)]
    # Then it is known once all of them were free
    assert room == [2, 2, 2, 2, 2 + 100]


def test_an_old_pace_says_nothing_of_the_next_jobs() -> None:
    some = Stock(10)
    some.room(10, ended=0, now=100.0)
    assert some.room(10, ended=10, now=100.001) == 10 + 100
    assert some.room(10, ended=10, now=110.0) == 10


def test_jobs_are_taken_and_given_back_in_their_order(queue: RedisQueue) -> None:
    some = Stock(1)
    some.add(jobs(queue, "a", "b", "c"), server_now=5.0, now=0.0)
    job, claimed = some.take()
    assert (job.key, claimed) == ("a", 5.0)
    # They go to the head of the queue one after the other, so the last one first.
    assert [job.key for job in some.clear()] == ["c", "b"]
    assert not some


def test_jobs_that_are_another_workers_now_are_dropped(queue: RedisQueue) -> None:
    some = Stock(1)
    lost, kept = jobs(queue, "lost", "kept")
    lost.claim = kept.claim = "w 1.1"
    some.add([lost, kept], server_now=5.0, now=0.0)
    some.drop({(lost.id, "w 1.1"), (kept.id, "w 1.2")})
    assert some.jobs == [kept]


# -- a worker with jobs in stock -------------------------------------------------------


async def enqueue(queue: RedisQueue, function: str, count: int) -> None:
    await queue.enqueue_many(
        [saq.Job(function=function, key=f"{function}{n}") for n in range(count)]
    )


async def quick(ctx: dict[str, Any]) -> None:
    pass


async def test_a_slot_that_becomes_free_is_filled_from_stock(
    queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given many jobs that end at once, also on a machine that is slow
    monkeypatch.setattr(stock, "HORIZON", 10.0)
    await enqueue(queue, "quick", 2000)
    worker = Worker(queue, [quick])
    largest = 0
    add = worker._attempts.stock.add

    def noted(jobs: list[ClaimedJob], **times: float) -> None:
        nonlocal largest
        add(jobs, **times)
        largest = max(largest, len(worker._attempts.stock) - worker.concurrency)

    monkeypatch.setattr(worker._attempts.stock, "add", noted)

    async def done() -> bool:
        return await queue.count("incomplete") == 0

    # Then some are claimed before there is a slot for them, and all run
    async with working(worker):
        await eventually(done, within=120)
    assert largest > 0
    assert queue.complete == 2000


async def test_what_was_claimed_ahead_of_jobs_that_take_long_goes_back(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given jobs that end at once, with jobs behind them that do not
    blocked = asyncio.Event()

    async def slow(ctx: dict[str, Any]) -> None:
        await blocked.wait()

    await enqueue(queue, "quick", 1000)
    await enqueue(queue, "slow", 50)
    worker = Worker(queue, [quick, ("slow", slow)], concurrency=2)
    redis: Any = queue.redis
    async with working(worker):
        # Then only as many are held as run, the others wait for whoever is free
        async def only_two_are_held() -> bool:
            held: int = await redis.hlen(queue.keys.claims)
            return queue.complete == 1000 and held == 2

        await eventually(only_two_are_held, within=120)
        waiting = await redis.lrange(queue.keys.queued, 0, -1)
        assert waiting == [queue.job_id(f"slow{n}").encode() for n in range(2, 50)]
        blocked.set()
        await eventually(lambda: queue.complete == 1050)


async def holding(
    queue: RedisQueue, count: int, begun: list[str], may_end: asyncio.Event
) -> tuple[Worker, tuple[ClaimedJob, ...]]:
    """A worker that has claimed some jobs and runs the first."""

    async def note(ctx: dict[str, Any]) -> None:
        begun.append(ctx["job"].key)
        await may_end.wait()

    await enqueue(queue, "note", count)
    worker = Worker(queue, [("note", note)], concurrency=1)
    batch = await worker._stations[0].claims.take(count)
    worker._attempts.accept(batch.jobs, now=batch.now)
    return worker, batch.jobs


async def test_no_job_in_stock_begins_after_the_worker_was_told_to_stop(
    queue: RedisQueue, redis: Redis, eventually: Eventually
) -> None:
    # Given a worker that holds jobs which have not begun
    begun: list[str] = []
    may_end = asyncio.Event()
    worker, _ = await holding(queue, 5, begun, may_end)
    await eventually(lambda: begun == ["note0"])
    # When it is told to stop, and the running job ends
    worker.event.set()
    may_end.set()
    await worker._attempts.wait_until_idle()
    # Then the others are back in their order, and no try was spent
    assert begun == ["note0"]
    found = (await Claims(queue, "other").take(5)).jobs
    assert [(job.key, job.attempts) for job in found] == [
        (f"note{n}", 0) for n in range(1, 5)
    ]


async def test_jobs_in_stock_that_another_worker_recovered_never_begin_here(
    queue: RedisQueue, redis: Redis, eventually: Eventually
) -> None:
    begun: list[str] = []
    may_end = asyncio.Event()
    worker, held = await holding(queue, 2, begun, may_end)
    await eventually(lambda: begun == ["note0"])
    # Given that somebody else has taken the second job over
    second = held[1]
    await redis.hset(queue.keys.claims, second.id, "other 1.1")  # type: ignore[misc]
    # When the worker looks what it holds
    await worker._stations[0].upkeep().recover()
    may_end.set()
    await eventually(lambda: queue.complete == 1)
    # Then it leaves the job alone
    assert begun == ["note0"]
    assert worker._attempts.is_idle
    assert await redis.hget(queue.keys.claims, second.id) == b"other 1.1"  # type: ignore[misc]


# -- jobs that may have killed their workers -------------------------------------------


async def test_of_the_jobs_whose_workers_died_one_at_a_time_runs(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given jobs of which one has killed two workers, nobody knows which
    running, most = 0, 0

    async def count(ctx: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1

    await queue.enqueue_many(
        [
            saq.Job(function="count", key=str(n), meta={"kills": 2}, retries=1)
            for n in range(3)
        ]
    )
    # Then each runs alone, so that only the one to blame dies with its worker
    async with working(Worker(queue, [("count", count)])):
        await eventually(lambda: queue.complete == 3, within=30)
    assert most == 1
    ended = await queue.job("0")
    assert ended is not None
    assert (ended.status, ended.attempts) == (Status.COMPLETE, 1)


@pytest.mark.parametrize("kills", [0, 1])
async def test_jobs_that_are_not_suspected_run_side_by_side(
    queue: RedisQueue, working: Any, eventually: Eventually, kills: int
) -> None:
    running: set[str] = set()
    may_end = asyncio.Event()

    async def note(ctx: dict[str, Any]) -> None:
        running.add(ctx["job"].key)
        await may_end.wait()

    await queue.enqueue_many(
        [saq.Job(function="note", key=k, meta={"kills": kills}) for k in "ab"]
    )
    async with working(Worker(queue, [("note", note)])):
        await eventually(lambda: running == {"a", "b"})
        may_end.set()
