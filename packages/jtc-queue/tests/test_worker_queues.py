from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import (
    InvalidQueueOrder,
    RedisQueue,
    Worker,
    draining,
    open_client,
    upkeep,
)
from jtc.queue.claims import Claims
from jtc.queue.embedded import EmbeddedServer

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]


@pytest.fixture
async def queues(redis: Redis) -> list[RedisQueue]:
    """Three queues on one client."""
    return [RedisQueue(redis, name) for name in ("high", "default", "low")]


async def fill(queue: RedisQueue, count: int) -> None:
    await queue.enqueue_many([saq.Job("f", key=str(n)) for n in range(count)])


class Noting:
    """A function that notes from which queue each job is."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def __call__(self, ctx: Context) -> None:
        self.names.append(ctx["queue"].name)
        await asyncio.sleep(0)


async def test_the_first_queue_comes_first(queues: list[RedisQueue]) -> None:
    # Given jobs in all, the last queue filled first
    for queue in reversed(queues):
        await fill(queue, 5)
    noting = Noting()
    # When they run one at a time
    await Worker(queues, [("f", noting)], concurrency=1, burst=True).start()
    # Then strictly in the order of the queues
    assert noting.names == ["high"] * 5 + ["default"] * 5 + ["low"] * 5
    assert [queue.complete for queue in queues] == [5, 5, 5]


async def test_what_comes_into_the_first_queue_goes_before_what_waits(
    queues: list[RedisQueue],
) -> None:
    high, _, low = queues
    names: list[str] = []

    async def f(ctx: Context) -> None:
        names.append(ctx["queue"].name)
        if len(names) == 3:
            await fill(high, 2)
        # Longer than a round trip, so that nothing is claimed ahead.
        await asyncio.sleep(0.05)

    await fill(low, 10)
    async with asyncio.timeout(30):
        await Worker(queues, [("f", f)], concurrency=1, burst=True).start()
    assert len(names) == 12
    # The first may have been claimed while the two were on their way.
    assert 2 <= max(i for i, name in enumerate(names) if name == "high") - 2 <= 3


async def test_weights_are_shares_of_the_claims(queues: list[RedisQueue]) -> None:
    high, default, _ = queues
    await fill(high, 300)
    await fill(default, 300)
    noting = Noting()
    worker = Worker(
        [high, default], [("f", noting)], weights=(3, 1), concurrency=4, burst=True
    )
    await worker.start()
    first = Counter(noting.names[:200])
    # Three of four, but for what was on its way at the cut
    assert 130 <= first["high"] <= 170
    # and nobody is idle once one of them is empty
    assert Counter(noting.names) == {"high": 300, "default": 300}


async def test_all_queues_share_one_concurrency(queues: list[RedisQueue]) -> None:
    running = most = 0

    async def f(ctx: Context) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    for queue in queues:
        await fill(queue, 20)
    await Worker(queues, [("f", f)], concurrency=4, burst=True).start()
    assert most == 4
    assert [queue.complete for queue in queues] == [20, 20, 20]


@pytest.mark.parametrize("weights", [(), (3, 1, 1)])
async def test_a_job_in_any_queue_wakes_an_idle_worker(
    queues: list[RedisQueue],
    working: Any,
    eventually: Eventually,
    weights: tuple[int, ...],
) -> None:
    async with working(Worker(queues, [("f", Noting())], weights=weights)):
        for expected in range(1, 4):
            for queue in reversed(queues):
                await queue.enqueue("f")
                await eventually(lambda q=queue, n=expected: q.complete == n)


async def test_a_worker_that_is_kept_busy_by_one_queue_hears_of_another(
    queues: list[RedisQueue], working: Any, eventually: Eventually
) -> None:
    high, _, low = queues

    async def again(ctx: Context) -> None:
        await low.enqueue("again")

    worker = Worker(queues, [("again", again), ("f", Noting())], concurrency=2)
    async with working(worker):
        await low.enqueue("again")
        await eventually(lambda: low.complete > 20)
        await high.enqueue("f")
        await eventually(lambda: high.complete == 1)


async def test_a_burst_ends_when_all_queues_are_empty(
    queues: list[RedisQueue],
) -> None:
    high, default, low = queues

    async def f(ctx: Context) -> None:
        # The next queue gets its job while the worker has nothing else.
        await asyncio.sleep(0.05)
        following = {"low": default, "default": high}.get(ctx["queue"].name)
        if following is not None:
            await following.enqueue("f")

    await low.enqueue("f")
    async with asyncio.timeout(30):
        await Worker(queues, [("f", f)], burst=True).start()
    assert [queue.complete for queue in queues] == [1, 1, 1]


async def test_a_retry_and_a_failure_stay_in_their_queue(
    queues: list[RedisQueue],
) -> None:
    high, _, low = queues

    async def f(ctx: Context) -> None:
        raise LookupError(ctx["queue"].name)

    await high.enqueue("f", key="one", retries=2)
    await low.enqueue("f", key="one")
    await Worker(queues, [("f", f)], burst=True).start()
    for queue, attempts in ((high, 2), (low, 1)):
        job = await queue.job("one")
        assert job is not None
        assert (job.status, job.attempts) == (Status.FAILED, attempts)
        assert f"LookupError: {queue.name}" in (job.error or "")
        assert (queue.failed, queue.retried) == (1, attempts - 1)
        assert await queue.count("active") == 0


async def test_what_is_no_job_is_parked_in_its_own_queue(
    redis: Redis, queues: list[RedisQueue]
) -> None:
    high, _, low = queues
    await low.enqueue("f", key="bad")
    await redis.set(low.job_id("bad"), b"{oops")
    await Worker(queues, [("f", Noting())], burst=True).start()
    assert await redis.zcard(low.keys.failed) == 1
    assert await redis.zcard(high.keys.failed) == 0


async def test_jobs_that_outlast_the_grace_go_back_to_their_queues(
    queues: list[RedisQueue], eventually: Eventually
) -> None:
    async def f(ctx: Context) -> None:
        await asyncio.sleep(60)

    for queue in queues:
        await queue.enqueue("f", key="one")
    worker = Worker(queues, [("f", f)], grace=0)
    task = asyncio.create_task(worker.start())
    await eventually(lambda: len(worker._attempts.running) == 3)
    await worker.stop()
    await task
    for queue in queues:
        job = await queue.job("one")
        assert job is not None
        assert (job.status, job.attempts) == (Status.QUEUED, 0)
        assert (await queue.count("queued"), await queue.count("active")) == (1, 0)


@pytest.mark.usefixtures("short_lease")
async def test_what_a_dead_worker_held_is_recovered_in_each_queue(
    redis: Redis, queues: list[RedisQueue], eventually: Eventually, working: Any
) -> None:
    for queue in queues:
        await queue.enqueue("f", key="one")
        dead = Claims(queue, "dead")
        assert len((await dead.take(1)).jobs) == 1
        await redis.zadd(queue.keys.workers, {"dead": 1})
    async with working(Worker(queues, [("f", Noting())])):
        await eventually(lambda: all(q.complete == 1 for q in queues), within=20)


async def test_canceling_reaches_a_job_of_any_queue(
    queues: list[RedisQueue], eventually: Eventually, working: Any
) -> None:
    async def f(ctx: Context) -> None:
        await asyncio.sleep(60)

    async with working(Worker(queues, [("f", f)])) as worker:
        for queue in queues:
            await queue.enqueue("f", key="one")
        await eventually(lambda: len(worker._attempts.running) == 3)
        assert await queues[2].cancel("one", reason="enough")
        await eventually(lambda: queues[2].aborted == 1)
        assert len(worker._attempts.running) == 2
        worker.hurry()


async def test_nobody_stops_the_attempts_that_another_queue_knows_nothing_of(
    queues: list[RedisQueue],
    eventually: Eventually,
    working: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "RECOVER_EVERY", 0.01)
    release = asyncio.Event()

    async def f(ctx: Context) -> None:
        await release.wait()

    for queue in queues:
        await queue.enqueue("f", key="one")
    async with working(Worker(queues, [("f", f)])) as worker:
        await eventually(lambda: len(worker._attempts.running) == 3)
        # Many rounds of what fences attempts that are not held
        await asyncio.sleep(0.3)
        assert len(worker._attempts.running) == 3
        release.set()
        await eventually(lambda: all(q.complete == 1 for q in queues))


async def test_saqs_tools_see_the_worker_in_each_queue(
    queues: list[RedisQueue], eventually: Eventually, working: Any
) -> None:
    async with working(Worker(queues, [], id="w1")):
        for queue in queues:

            async def seen(queue: RedisQueue = queue) -> Any:
                return (await queue.info())["workers"].get("w1")

            assert (await eventually(seen))["queue_key"] == queue.name


async def test_one_job_in_the_foreground_is_the_first_queues(
    queues: list[RedisQueue],
) -> None:
    for queue in reversed(queues):
        await queue.enqueue("f")
    noting = Noting()
    worker = Worker(queues, [("f", noting)])
    assert [await worker.process() for _ in range(4)] == [True, True, True, False]
    assert noting.names == ["high", "default", "low"]


async def test_a_worker_needs_a_queue_and_takes_each_once(
    queues: list[RedisQueue],
) -> None:
    with pytest.raises(InvalidQueueOrder, match="there is no name in it"):
        Worker([], [])
    with pytest.raises(InvalidQueueOrder, match="it names a queue twice"):
        Worker([queues[0], queues[0]], [])
    with pytest.raises(InvalidQueueOrder, match="some queues have a weight"):
        Worker(queues, [], weights=(1,))


async def test_an_outage_is_told_once_for_all_queues(
    tmp_path: Path,
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "jtc.queue")

    def said(action: str) -> int:
        return sum(r.__dict__.get("action") == action for r in caplog.records)

    # Given a worker with a server of its own
    with EmbeddedServer(tmp_path / "data") as server:
        client = open_client(server.url)
        queues = [RedisQueue(client, name) for name in ("high", "low")]
        async with working(Worker(queues, [("f", Noting())])):
            await eventually(lambda: _waiting(client, 2))
            # When it is killed and comes back
            os.kill(server.pid, signal.SIGKILL)
            await eventually(lambda: all(q.outage.is_on for q in queues))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await eventually(lambda: not queues[0].outage.is_on, within=30)
            for queue in queues:
                await queue.enqueue("f")
            await eventually(lambda: all(q.complete == 1 for q in queues), within=30)
        await client.aclose()
    # Then it was said once
    assert (said("redis_away"), said("redis_back")) == (1, 1)


async def test_an_empty_worker_asks_each_queue_little(
    redis: Redis, queues: list[RedisQueue], working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queues, [("f", Noting())])):
        # Given a worker that has settled down
        await eventually(lambda: _waiting(redis, 3))
        await redis.config_resetstat()
        await asyncio.sleep(2)
        calls = {
            name: stats["calls"]
            for name, stats in (await redis.info("commandstats")).items()
        }
        clients = await redis.info("clients")
    # Then one connection waits at each queue
    assert clients["blocked_clients"] == 3
    # and what else it asks is a few commands a second and queue
    assert calls.get("cmdstat_evalsha", 0) <= 2 * 3 * 3
    assert calls.get("cmdstat_blmove", 0) <= 3


async def _waiting(redis: Redis, count: int) -> bool:
    return bool((await redis.info("clients"))["blocked_clients"] == count)


async def test_a_stop_does_not_wait_for_the_queues_one_after_the_other(
    queues: list[RedisQueue],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    eventually: Eventually,
) -> None:
    # Given a job of each queue that takes no notice of being canceled
    monkeypatch.setattr(draining, "CANCEL_PATIENCE", 0.1)
    may_end = asyncio.Event()

    async def stubborn(ctx: Context) -> None:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    for queue in queues:
        await queue.enqueue("stubborn", key="one")
    worker = Worker(queues, [("stubborn", stubborn)], grace=0.1)
    caplog.set_level("INFO", "jtc.queue")
    task = asyncio.create_task(worker.start())
    await eventually(lambda: len(worker._attempts.running) == 3)
    try:
        # When
        await worker.stop()
        await task
        # Then all were counted, and each stays with this worker
        assert "3 running job(s) have 0.1 s to end" in caplog.text
        assert [await queue.count("active") for queue in queues] == [1, 1, 1]
    finally:
        may_end.set()
        await asyncio.sleep(0)
