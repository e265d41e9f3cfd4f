"""H8 to H21: what must neither get lost nor get stuck."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from saq.job import Status

from jtc.queue.embedded import EmbeddedServer

Context = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]
Notes = Callable[[], Awaitable[list[str]]]


@pytest.mark.fault("H8")
async def test_a_job_without_a_timeout_runs_elsewhere_when_its_worker_is_killed(
    queue: Any, start_process: Any, notes: Notes, eventually: Eventually
) -> None:
    # Given a job that may run for ever, and may be tried once
    await queue.enqueue("work", key="one", seconds=2, timeout=0)
    killed = start_process("w1")

    async def began() -> bool:
        return "one began w1" in await notes()

    await eventually(began, within=20)
    # When
    killed.kill()
    start_process("w2")

    # Then
    async def ended() -> bool:
        job = await queue.job("one")
        return bool(job and job.status == Status.COMPLETE)

    await eventually(ended, within=20)
    assert await notes() == ["one began w1", "one began w2", "one ended w2"]
    # And its key is free
    assert await queue.enqueue("work", key="one", seconds=0) is not None


@pytest.mark.fault("H12")
async def test_whoever_waits_for_a_job_hears_of_an_outage_once(
    engine: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with EmbeddedServer(tmp_path / "valkey") as server:
        queue = engine.queue(server.url)
        job = await queue.enqueue("f")
        waiting = asyncio.create_task(job.refresh(until_complete=30))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        caplog.clear()
    # When the server has gone
    with pytest.raises(RedisConnectionError):
        await asyncio.wait_for(waiting, 10)
    assert len(caplog.records) < 10
    with contextlib.suppress(RedisConnectionError):
        await queue.disconnect()


@pytest.mark.fault("H13")
@pytest.mark.parametrize("where", ["before_process", "f", "after_process"])
async def test_a_job_whose_worker_stops_at_any_moment_has_ended_or_waits(
    engine: Any, queue: Any, where: str
) -> None:
    reached = asyncio.Event()
    ran: list[str] = []

    def step(name: str) -> Any:
        async def run(ctx: Context) -> str:
            ran.append(name)
            if name == where:
                reached.set()
                await asyncio.sleep(60)
            return name

        return run

    hooks = {name: step(name) for name in ("before_process", "after_process")}
    options = {} if engine.name == "saq" else {"grace": 0}
    worker = engine.worker(queue, ("f", step("f")), **hooks, **options)
    await queue.enqueue("f", key="one", timeout=0)
    running = asyncio.create_task(worker.start())
    await reached.wait()
    # When
    await worker.stop()
    await running
    # Then what was done stands, and what was not waits for another worker
    job = await queue.job("one")
    done = where == "after_process"
    expected = (Status.COMPLETE, 0, 0) if done else (Status.QUEUED, 1, 0)
    counts = (await queue.count("queued"), await queue.count("active"))
    assert (job.status, *counts) == expected


@pytest.mark.fault("H19")
async def test_a_job_that_ends_while_one_begins_to_wait_is_not_missed(
    engine: Any, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a job that ends between the first look at it and the wait for its end
    job = await queue.enqueue("f", key="one")
    look = queue.job

    async def look_and_end(key: str) -> Any:
        monkeypatch.setattr(queue, "job", look)
        seen = await look(key)
        other = await look(key)
        await other.finish(Status.COMPLETE, result=42)
        return seen

    monkeypatch.setattr(queue, "job", look_and_end)
    # When
    await job.refresh(until_complete=2)
    # Then
    assert (job.status, job.result) == (Status.COMPLETE, 42)


@pytest.mark.fault("H19")
async def test_waiting_without_an_end_lasts_until_the_job_has_ended(
    engine: Any, queue: Any, working: Any
) -> None:
    async def f(ctx: Context) -> int:
        # For longer than a subscription that ends by itself would last
        await asyncio.sleep(1.5)
        return 42

    job = await queue.enqueue("f")
    async with working(engine.worker(queue, ("f", f))):
        await asyncio.wait_for(job.refresh(until_complete=0), 10)
    assert (job.status, job.result) == (Status.COMPLETE, 42)


@pytest.mark.fault("H20")
async def test_a_canceled_delayed_job_has_ended_and_does_not_stay_for_ever(
    redis: Redis, queue: Any
) -> None:
    job = await queue.enqueue("f", key="one", scheduled=4_000_000_000, ttl=60)
    await job.abort("not needed")
    stored = await queue.job("one")
    assert stored.status == Status.ABORTED
    assert 0 < await redis.ttl(job.id) <= 60


@pytest.mark.fault("H20")
async def test_canceling_a_job_does_not_keep_its_key_from_any_queue(
    engine: Any, redis_url: str, queue: Any
) -> None:
    other = engine.queue(redis_url, "other")
    job = await queue.enqueue("f", key="one", scheduled=4_000_000_000)
    await job.abort("not needed")
    assert await other.enqueue("f", key="one") is not None
    assert await queue.enqueue("f", key="one") is not None
    await other.disconnect()


@pytest.mark.fault("H20")
async def test_a_job_that_does_not_let_itself_be_canceled_does_not_hold_up_others(
    engine: Any, queue: Any, working: Any, eventually: Eventually
) -> None:
    began: set[str] = set()
    may_end = asyncio.Event()

    async def stubborn(ctx: Context) -> None:
        began.add("stubborn")
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()

    async def docile(ctx: Context) -> None:
        began.add("docile")
        await asyncio.sleep(60)

    jobs = [await queue.enqueue(name, key=name) for name in ("stubborn", "docile")]
    functions = (("stubborn", stubborn), ("docile", docile))

    async def docile_is_aborted() -> bool:
        job = await queue.job("docile")
        return bool(job.status == Status.ABORTED)

    try:
        async with working(engine.worker(queue, *functions)):
            await eventually(lambda: len(began) == 2)
            for job in jobs:
                await job.abort("enough")
            await eventually(docile_is_aborted, within=5)
            may_end.set()
    finally:
        may_end.set()
