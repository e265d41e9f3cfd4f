from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from saq.job import Status

from jtc.queue import RedisQueue, Worker, draining, endings, open_client
from jtc.queue.attempts import Attempts
from jtc.queue.claims import Claims
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.outage import LONGEST_DELAY, Outage, backoff, is_outage
from jtc.queue.settlement import Settlement

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]


@pytest.fixture
async def fragile_queue(fragile: EmbeddedServer) -> AsyncIterator[RedisQueue]:
    queue = RedisQueue(open_client(fragile.url))
    yield queue
    await queue.disconnect()


def kill(server: EmbeddedServer) -> None:
    os.kill(server.pid, signal.SIGKILL)


async def restart(server: EmbeddedServer) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[str], int]:
    """Count the log records of an action."""
    caplog.set_level(logging.INFO, "jtc.queue")

    def count(action: str) -> int:
        return sum(r.__dict__.get("action") == action for r in caplog.records)

    return count


@pytest.fixture
def calls(fragile_queue: RedisQueue, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count what the worker asks the server, whether it answers or not."""
    counts = {"calls": 0}
    execute: Any = fragile_queue.redis.execute_command

    async def counted(*args: Any, **options: Any) -> Any:
        counts["calls"] += 1
        return await execute(*args, **options)

    monkeypatch.setattr(fragile_queue.redis, "execute_command", counted)
    return counts


@pytest.mark.fault("H11")
async def test_what_was_acknowledged_completes_although_the_server_is_killed(
    *,
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    calls: dict[str, int],
    working: Any,
    eventually: Eventually,
    said: Callable[[str], int],
) -> None:
    # Given a worker under load
    queue, url = fragile_queue, fragile.url
    producer = RedisQueue(open_client(url))
    acknowledged: list[str] = []
    done: set[str] = set()
    enough = asyncio.Event()

    async def f(ctx: Context) -> None:
        await asyncio.sleep(0.002)
        done.add(ctx["job"].key)

    async def produce() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            with contextlib.suppress(RedisConnectionError, OSError):
                await producer.enqueue("f", key=str(number))
                acknowledged.append(str(number))
            await asyncio.sleep(0.002)

    async with working(Worker(queue, [("f", f)])):
        producing = asyncio.create_task(produce())
        await eventually(lambda: len(done) > 50)
        # When the server is killed and comes back
        kill(fragile)
        await eventually(lambda: queue.outage.is_on)
        before = calls["calls"]
        await asyncio.sleep(1.5)
        asked = calls["calls"] - before
        await restart(fragile)
        assert fragile.url == url
        count = len(acknowledged)
        await eventually(lambda: len(acknowledged) > count + 50)
        enough.set()
        await producing
        # Then
        await eventually(lambda: done.issuperset(acknowledged), within=30)

        async def nothing_is_left() -> bool:
            return await queue.count("incomplete") == 0

        await eventually(nothing_is_left)
    assert asked < 100
    assert queue.redis is not producer.redis
    away = [said("redis_away"), said("redis_back")]
    # The worker's; the producer's errors went to the program that dispatched.
    assert away == [1, 1]
    await producer.disconnect()


async def test_an_outcome_is_settled_when_the_server_is_back(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    said: Callable[[str], int],
) -> None:
    queue = fragile_queue
    began, go_on = asyncio.Event(), asyncio.Event()
    runs: list[int] = []

    async def f(ctx: Context) -> str:
        runs.append(1)
        began.set()
        await go_on.wait()
        return "done"

    await queue.enqueue("f", key="one", ttl=0)
    async with working(Worker(queue, [("f", f)])):
        await began.wait()
        kill(fragile)
        await eventually(lambda: queue.outage.is_on)
        go_on.set()
        await asyncio.sleep(0.5)
        await restart(fragile)
        await eventually(lambda: queue.complete == 1)
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.result, len(runs)) == (Status.COMPLETE, "done", 1)
    assert (said("redis_away"), said("redis_back")) == (1, 1)


async def test_a_timeout_holds_while_the_server_is_away(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining, "SETTLE_PATIENCE", 0.1)
    began, stopped = asyncio.Event(), asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    await fragile_queue.enqueue("f", timeout=1)
    async with working(Worker(fragile_queue, [("f", f)])):
        await began.wait()
        kill(fragile)
        await eventually(stopped.is_set)


async def test_a_worker_stops_although_the_server_is_away(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[str], int],
) -> None:
    monkeypatch.setattr(draining, "SETTLE_PATIENCE", 0.2)
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        await asyncio.sleep(60)

    await fragile_queue.enqueue("f", key="one")
    worker = Worker(fragile_queue, [("f", f)], grace=0)
    task = asyncio.create_task(worker.start())
    await began.wait()
    kill(fragile)
    await worker.stop()
    await task
    assert (said("unsettled"), said("redis_away")) == (1, 1)


async def test_a_server_that_stands_still_loses_nothing(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    done: list[str] = []

    async def f(ctx: Context) -> None:
        done.append(ctx["job"].key)

    async with working(Worker(queue, [("f", f)])):
        for round_ in range(3):
            await redis.client_pause(300, all=True)
            jobs = (queue.enqueue("f", key=f"{round_}-{n}") for n in range(10))
            await asyncio.gather(*jobs)
        await eventually(lambda: queue.complete == 30)
    assert len(set(done)) == len(done) == 30


async def test_a_worker_does_not_start_without_a_server() -> None:
    queue = RedisQueue(open_client("redis://127.0.0.1:1"))
    with pytest.raises(RedisConnectionError):
        await Worker(queue, []).start()


# -- a server without memory to spare --------------------------------------------------


@pytest.fixture
async def full(redis: Redis) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Let the server refuse whatever could need memory, or no more."""

    async def switch(*, on: bool) -> None:
        await redis.config_set("maxmemory", "1" if on else "0")

    yield switch
    await switch(on=False)


async def test_a_full_server_refuses_a_dispatch_and_keeps_nothing_of_it(
    redis: Redis, queue: RedisQueue, full: Any
) -> None:
    await full(on=True)
    with pytest.raises(OutOfMemoryError):
        await queue.enqueue("f", key="one")
    await full(on=False)
    assert await queue.job("one") is None
    assert await queue.count("incomplete") == 0
    assert await queue.enqueue("f", key="one") is not None


@pytest.mark.parametrize("step", ["claim", "settle", "promote", "recover", "cancel"])
async def test_a_step_that_a_full_server_refuses_changes_nothing(
    redis: Redis, queue: RedisQueue, full: Any, step: str
) -> None:
    # Given a job that waits, one that runs, one that is due and an orphan
    await queue.enqueue("f", key="orphan")
    await Claims(queue, "dead").take(1)
    holder = Claims(queue, "w1")
    await holder.renew()
    await queue.enqueue("f", key="runs")
    (job,) = (await holder.take(1)).jobs
    endings.begin(job, worker="w1")
    await queue.enqueue("f", key="waits")
    await queue.enqueue("f", key="due", scheduled=1)
    await redis.zadd(queue.keys.workers, {"dead": 1})
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "claim": lambda: holder.take(5),
        "settle": lambda: queue.settle(endings.completed(job, 1)),
        "promote": queue.promote,
        "recover": holder.recover,
        "cancel": lambda: queue.cancel("runs"),
    }
    before = await everything(redis)
    # When
    await full(on=True)
    with pytest.raises(OutOfMemoryError):
        await steps[step]()
    # Then
    assert await everything(redis) == before
    await full(on=False)
    await steps[step]()
    assert await everything(redis) != before


async def everything(redis: Redis) -> dict[bytes, bytes | None]:
    return {key: await redis.dump(key) for key in await redis.keys()}


async def test_a_worker_on_a_full_server_says_so_once_and_goes_on_later(
    *,
    redis: Redis,
    queue: RedisQueue,
    full: Any,
    working: Any,
    eventually: Eventually,
    said: Callable[[str], int],
) -> None:
    async def f(ctx: Context) -> None:
        return None

    for n in range(5):
        await queue.enqueue("f", key=str(n), scheduled=4_000_000_000)
    ids = [queue.job_id(str(n)) for n in range(5)]
    async with working(Worker(queue, [("f", f)])) as worker:
        await eventually(lambda: redis.zscore(queue.keys.workers, worker.id))
        # When the server is full from the moment that there is something to do
        async with redis.pipeline(transaction=True) as pipe:
            pipe.zadd(queue.keys.incomplete, dict.fromkeys(ids, 0))
            pipe.rpush(queue.keys.queued, *ids)
            pipe.config_set("maxmemory", "1")
            await pipe.execute()
        await eventually(lambda: queue.outage.is_on)
        await asyncio.sleep(1.5)
        # Then steps that need no memory, which succeed, do not end it
        assert (said("redis_away"), said("redis_back")) == (1, 0)
        await full(on=False)
        await eventually(lambda: queue.complete == 5)
        await eventually(lambda: not queue.outage.is_on)
    assert (said("redis_away"), said("redis_back")) == (1, 1)


# -- the parts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("refused"),
        BusyLoadingError("loading"),
        ReadOnlyError("a replica"),
        OutOfMemoryError("full"),
        ResponseError("MASTERDOWN Link with MASTER is down"),
        ResponseError("MISCONF Errors writing to the AOF file"),
        ResponseError("ERR Error running script: OOM command not allowed"),
        TimeoutError(),
        ConnectionResetError(),
    ],
)
def test_a_server_that_is_away_or_full_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error", [ResponseError("WRONGTYPE of value"), ValueError("a bug"), KeyError("x")]
)
def test_an_error_of_ours_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)


def test_an_outage_is_told_once_and_its_end_once(said: Callable[[str], int]) -> None:
    outage = Outage()
    outage.ended("claim")
    for step in ("claim", "settle", "claim"):
        outage.began(RedisConnectionError("refused"), step, asked=time.monotonic())
        assert outage.is_on, step
    outage.ended("settle")
    outage.ended("claim")
    assert not outage.is_on
    assert (said("redis_away"), said("redis_back")) == (1, 1)


def test_a_reply_to_a_call_from_before_the_outage_is_not_its_end() -> None:
    outage = Outage()
    asked = time.monotonic()
    outage.began(RedisConnectionError("closed"), "settle", asked=asked)
    outage.ended("claim", asked=asked)
    assert outage.is_on
    outage.ended("claim", asked=time.monotonic())
    assert not outage.is_on


def test_an_error_of_a_call_from_before_the_last_reply_is_no_new_outage(
    said: Callable[[str], int],
) -> None:
    outage = Outage()
    asked = time.monotonic()
    outage.began(RedisConnectionError("closed"), "claim", asked=asked)
    outage.ended("promote")
    outage.began(RedisConnectionError("closed"), "settle", asked=asked)
    assert not outage.is_on
    assert (said("redis_away"), said("redis_back")) == (1, 1)


def test_what_is_refused_is_over_when_it_is_no_longer_refused(
    said: Callable[[str], int],
) -> None:
    outage = Outage()
    for _ in range(3):
        outage.began(OutOfMemoryError("full"), "claim", asked=time.monotonic())
        outage.ended("promote")
        assert outage.is_on
    outage.ended("claim")
    assert not outage.is_on
    assert (said("redis_away"), said("redis_back")) == (1, 1)


def test_the_pauses_grow_to_five_seconds_and_are_never_none() -> None:
    for failures in range(1, 2000):
        pause = backoff(failures)
        assert 0.05 <= pause <= LONGEST_DELAY
    assert min(backoff(20) for _ in range(100)) >= LONGEST_DELAY / 2
    assert max(backoff(1) for _ in range(100)) <= 0.1


@pytest.fixture
def attempts(queue: RedisQueue) -> Attempts:
    return Attempts([queue], {}, {}, None, slots=1, worker="w1")


async def test_nothing_is_claimed_while_too_many_outcomes_wait(
    queue: RedisQueue, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(settlement: Settlement, listener: Any) -> None:
        pass

    monkeypatch.setattr(queue, "post", never)
    assert attempts.room == 1
    for n in range(200):
        attempts.settle(Settlement(str(n), "w1 1", "done", b"", -1))
    assert attempts.room == 0
    assert len(attempts.holds) == 200


@pytest.mark.parametrize("first", [None, RedisConnectionError("away")])
async def test_an_outcome_that_the_server_cannot_take_is_given_up_and_logged(
    queue: RedisQueue,
    attempts: Attempts,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    first: Exception | None,
) -> None:
    errors = [first, first, ResponseError("WRONGTYPE")]

    async def refuse(name: str, keys: list[str], args: list[Any]) -> Any:
        raise errors.pop(0) or ResponseError("WRONGTYPE")

    monkeypatch.setattr(queue.scripts, "run", refuse)
    attempts.settle(Settlement("one", "w1 1", "done", b"", -1))
    await asyncio.wait_for(attempts.wait_until_idle(), 10)
    assert "Job one was not settled." in caplog.text


async def test_an_outcome_whose_call_is_canceled_is_not_sent_again(
    queue: RedisQueue, attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up(name: str, keys: list[str], args: list[Any]) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(queue.scripts, "run", give_up)
    attempts.settle(Settlement("one", "w1 1", "done", b"", -1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert attempts.holds == {("one", "w1 1")}
