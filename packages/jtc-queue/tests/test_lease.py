from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from jtc.queue import RedisQueue, Worker, endings, lease_time, open_client
from jtc.queue.claims import Claims
from jtc.queue.errors import InvalidWorkerId
from jtc.queue.lease import Lease

Eventually = Callable[..., Awaitable[Any]]


async def left(redis: Redis, queue: RedisQueue, worker: str) -> float:
    """Seconds that a worker's lease still has."""
    score = await redis.zscore(queue.keys.workers, worker)
    assert score is not None
    seconds, micros = await redis.time()
    return float(score / 1000 - seconds - micros / 1e6)


async def held_for(redis: Redis, queue: RedisQueue, worker: str, seconds: int) -> None:
    """Let a worker's lease have `seconds` left."""
    now, _ = await redis.time()
    await redis.zadd(queue.keys.workers, {worker: (now + seconds) * 1000})


async def test_a_lease_lasts_thirteen_seconds(redis: Redis, queue: RedisQueue) -> None:
    await Claims(queue, "w1").renew()
    assert 12 < await left(redis, queue, "w1") <= 13


async def test_renewing_tells_whether_the_lease_was_still_held(
    redis: Redis, queue: RedisQueue
) -> None:
    holder = Claims(queue, "w1")
    assert not await holder.renew()
    assert await holder.renew()
    await held_for(redis, queue, "w1", -1)
    assert not await holder.renew()


async def test_resigning_gives_up_a_lease(redis: Redis, queue: RedisQueue) -> None:
    holder = Claims(queue, "w1")
    await holder.renew()
    await holder.resign()
    assert await redis.zscore(queue.keys.workers, "w1") is None


async def test_a_worker_that_holds_jobs_does_not_resign(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("f")
    holder = Claims(queue, "w1")
    await holder.take(1)
    await holder.resign()
    assert await redis.zscore(queue.keys.workers, "w1") is not None


@pytest.mark.usefixtures("short_lease")
async def test_a_thread_renews_the_lease_while_the_loop_is_blocked(
    redis: Redis, queue: RedisQueue
) -> None:
    holder = Claims(queue, "w1")
    await holder.renew()
    lease = Lease(holder)
    lease.start()
    # When the event loop stands still for longer than the lease
    threading.Event().wait(2.5)
    # Then
    assert await left(redis, queue, "w1") > 0
    lease.stop()
    assert not [t for t in threading.enumerate() if t.name == "jtc-lease"]


@pytest.mark.usefixtures("short_lease")
@pytest.mark.fault("H5")
async def test_a_job_that_blocks_the_loop_is_not_taken_from_its_worker(
    redis_url: str, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    runs: list[str] = []
    taken: list[Any] = []
    watched = threading.Event()

    async def f(ctx: dict[str, Any]) -> None:
        runs.append(ctx["worker"].id)
        threading.Thread(target=lambda: asyncio.run(watch()), daemon=True).start()
        # The loop stands still for longer than the lease.
        threading.Event().wait(2.5)

    async def watch() -> None:
        mine = RedisQueue(open_client(redis_url))
        holder = Claims(mine, "other")
        for _ in range(30):
            await holder.renew()
            taken.extend((await holder.recover()).taken.jobs)
            await asyncio.sleep(0.1)
        await mine.disconnect()
        watched.set()

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: queue.complete == 1)
        await eventually(watched.is_set)
    assert taken == []
    assert len(runs) == 1


@pytest.mark.usefixtures("short_lease")
async def test_a_lease_that_had_run_out_is_logged(
    redis: Redis,
    queue: RedisQueue,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    holder = Claims(queue, "w1")
    await holder.renew()
    await held_for(redis, queue, "w1", -5)
    lease = Lease(holder)
    with caplog.at_level(logging.WARNING, "jtc.queue.claims"):
        lease.start()
        await eventually(lambda: caplog.records)
    lease.stop()
    assert caplog.records[0].__dict__["action"] == "lease_lapsed"


@pytest.mark.usefixtures("short_lease")
async def test_a_lease_goes_on_after_the_server_was_away(
    caplog: pytest.LogCaptureFixture, eventually: Eventually
) -> None:
    away = RedisQueue(open_client("redis://127.0.0.1:1"))
    lease = Lease(Claims(away, "w1"))
    with caplog.at_level(logging.DEBUG, "jtc.queue.lease"):
        lease.start()
        await eventually(lambda: len(caplog.records) >= 2)
    lease.stop()
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


@pytest.mark.parametrize("name", ["", "my worker", "a:b", "a\tb", "a\n"])
@pytest.mark.fault("H27")
def test_an_id_that_would_break_a_claim_is_refused(name: str) -> None:
    queue = RedisQueue(open_client("redis://localhost:1"))
    with pytest.raises(InvalidWorkerId, match="cannot name a worker"):
        Claims(queue, name)


async def test_a_job_in_the_foreground_keeps_the_lease(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_time, "LEASE_MS", 1500)
    monkeypatch.setattr("jtc.queue.station.RENEW_EVERY", 0.3)
    until: list[float] = []

    async def f(ctx: dict[str, Any]) -> None:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            until.append(await left(redis, queue, ctx["worker"].id))
            await asyncio.sleep(0.05)

    await queue.enqueue("f")
    assert await Worker(queue, [("f", f)]).process()
    assert min(until) > 0


# -- after the server was away: every lease has run out, and nobody has died -----------


async def give_job(queue: RedisQueue, worker: str) -> Claims:
    await queue.enqueue("f", key=worker)
    holder = Claims(queue, worker)
    await holder.renew()
    (job,) = (await holder.take(1)).jobs
    endings.begin(job, worker=worker)
    return holder


@pytest.mark.parametrize("ago", [(-3, -4), (-1, 4), (4, -1), (-1, 1), (-20, -60)])
async def test_whoever_comes_back_first_takes_nothing_from_those_who_live(
    redis: Redis, queue: RedisQueue, ago: tuple[int, int]
) -> None:
    # Given two workers whose leases nobody could renew for a while
    one, two = await give_job(queue, "w1"), await give_job(queue, "w2")
    await held_for(redis, queue, "w1", ago[0])
    await held_for(redis, queue, "w2", ago[1])
    # When the first is back, in whatever order its duties come
    taken = [(await one.recover()).taken.jobs, (await one.take(1)).jobs]
    taken += [(await one.recover()).taken.jobs]
    await one.renew()
    taken += [(await one.recover()).taken.jobs]
    # Then the second still has time to say that it lives
    assert [job.key for jobs in taken for job in jobs] == []
    assert await left(redis, queue, "w2") > 5
    await two.renew()
    assert (await one.recover()).taken.jobs == ()


async def test_a_worker_that_is_new_after_the_server_was_away_waits_too(
    redis: Redis, queue: RedisQueue
) -> None:
    await give_job(queue, "w1")
    await held_for(redis, queue, "w1", -3)
    new = Claims(queue, "w9")
    await new.renew()
    assert (await new.recover()).taken.jobs == ()
    assert await left(redis, queue, "w1") > 5


async def test_those_who_do_not_come_back_are_recovered_in_the_end(
    redis: Redis, queue: RedisQueue
) -> None:
    await give_job(queue, "w1")
    await held_for(redis, queue, "w1", -3)
    new = Claims(queue, "w9")
    await new.renew()
    # When a lease later only the new one has renewed
    await held_for(redis, queue, "w1", -1)
    await new.renew()
    # Then
    assert [job.key for job in (await new.recover()).taken.jobs] == ["w1"]


async def test_one_dead_worker_among_the_living_is_recovered_at_once(
    redis: Redis, queue: RedisQueue
) -> None:
    await give_job(queue, "w1")
    two = await give_job(queue, "w2")
    await held_for(redis, queue, "w1", -1)
    await two.renew()
    assert [job.key for job in (await two.recover()).taken.jobs] == ["w1"]
