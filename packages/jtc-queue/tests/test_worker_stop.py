from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import RedisQueue, Worker, draining, endings
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]
StartWorker = Callable[..., subprocess.Popen[str]]


async def end_of(process: subprocess.Popen[str]) -> str:
    """Wait until a process has ended well; return what it logged."""
    _, log = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0, log
    return log


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.fault("H10")
async def test_an_idle_worker_stops_without_waiting_for_its_grace(
    redis: Redis,
    queue: RedisQueue,
    start_worker: StartWorker,
    eventually: Eventually,
    signum: signal.Signals,
) -> None:
    process = start_worker("w1", grace=300)
    await eventually(lambda: redis.zscore(queue.keys.workers, "w1"), within=60)
    process.send_signal(signum)
    await end_of(process)
    assert await redis.zcard(queue.keys.workers) == 0


@pytest.mark.fault("H9", "H10")
async def test_a_running_job_ends_and_no_new_one_starts_after_the_first_signal(
    queue: RedisQueue, start_worker: StartWorker, notes: Any, noted: Any
) -> None:
    await queue.enqueue("work", key="one", seconds=1)
    process = start_worker("w1", grace=300)
    await noted("one began w1")
    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    await queue.enqueue("work", key="two", seconds=0)
    log = await end_of(process)
    assert "Stopping: 1 running job(s) have 300 s to end" in log
    assert await notes() == ["one began w1", "one ended w1"]
    one, two = await queue.jobs(["one", "two"])
    assert one is not None
    assert two is not None
    assert (one.status, two.status) == (Status.COMPLETE, Status.QUEUED)
    assert await queue.count("queued") == 1


@pytest.mark.fault("H9")
async def test_what_outlasts_the_grace_is_given_back_and_runs_elsewhere(
    queue: RedisQueue, start_worker: StartWorker, notes: Any, noted: Any
) -> None:
    # Given a job that may be tried once
    await queue.enqueue("work", key="one", seconds=60)
    process = start_worker("w1", grace=0.2)
    await noted("one began w1")
    # When
    process.send_signal(signal.SIGTERM)
    await end_of(process)
    # Then
    assert await notes() == ["one began w1", "one canceled w1"]
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)

    async def work(ctx: dict[str, Any], *, seconds: float) -> int:
        return int(ctx["job"].attempts)

    await Worker(queue, [("work", work)], burst=True).start()
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.result) == (Status.COMPLETE, 1)


async def test_a_second_signal_stops_now(
    queue: RedisQueue, start_worker: StartWorker, noted: Any
) -> None:
    await queue.enqueue("work", key="one", seconds=60)
    process = start_worker("w1", grace=300)
    await noted("one began w1")
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    await end_of(process)
    assert await queue.count("queued") == 1
    assert await queue.count("active") == 0


async def sleep(ctx: dict[str, Any]) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_a_job_claimed_while_the_worker_was_told_to_stop_is_given_back(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    began: list[str] = []

    async def f(ctx: dict[str, Any]) -> None:
        began.append(ctx["job"].key)

    worker = Worker(queue, [("f", f)])
    run, loop = queue.scripts.run, asyncio.get_running_loop()

    def stop_after(steps: int) -> None:
        if steps:
            loop.call_soon(stop_after, steps - 1)
        else:
            worker.event.set()

    async def stop_during_claim(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        if name == "claim":
            # At each step of the reply's way to the worker
            stop_after(steps)
        return reply

    monkeypatch.setattr(queue.scripts, "run", stop_during_claim)
    await queue.enqueue("f", key="one")
    await worker.start()
    # Then either it had begun by then and has ended, or it waits as if nothing was
    assert (steps, began) != (0, ["one"])
    job = await queue.job("one")
    assert job is not None
    state = (job.status, job.attempts, await queue.count("queued"))
    assert state == ((Status.COMPLETE, 1, 0) if began else (Status.QUEUED, 0, 1))
    assert await queue.count("active") == 0


async def test_a_claim_whose_reply_comes_after_the_signal_is_given_back(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(queue, [("sleep", sleep)])
    run, claimed = queue.scripts.run, asyncio.Event()

    async def answer_late(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        if name == "claim":
            claimed.set()
            await asyncio.sleep(0.3)
        return reply

    monkeypatch.setattr(queue.scripts, "run", answer_late)
    await queue.enqueue("sleep", key="one")
    await queue.enqueue("sleep", key="bad")
    await redis.set(queue.job_id("bad"), b"{oops")
    task = asyncio.create_task(worker.start())
    await claimed.wait()
    await worker.stop()
    await task
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    assert (await queue.count("queued"), await queue.count("active")) == (1, 0)
    assert await redis.zcard(queue.keys.failed) == 1


async def test_a_claim_whose_reply_never_comes_is_left_to_the_lease(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(queue, [("sleep", sleep)], id="w1")
    run, claimed, never = queue.scripts.run, asyncio.Event(), asyncio.Event()

    async def answer_never(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        if name == "claim":
            claimed.set()
            await never.wait()
        return reply

    monkeypatch.setattr(queue.scripts, "run", answer_never)
    await queue.enqueue("sleep", key="one")
    task = asyncio.create_task(worker.start())
    await claimed.wait()
    await worker.stop()
    await task
    assert await queue.count("active") == 1
    assert await redis.zscore(queue.keys.workers, "w1") is not None
    never.set()
    await asyncio.sleep(0)


async def test_the_job_of_an_attempt_that_does_not_end_stays_with_its_worker(
    redis: Redis, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "CANCEL_PATIENCE", 0.1)
    began, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn(ctx: dict[str, Any]) -> str:
        began.set()
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()
        ended.set()
        return "late"

    await queue.enqueue("stubborn", key="one")
    worker = Worker(queue, [("stubborn", stubborn)], id="w1", grace=0)
    task = asyncio.create_task(worker.start())
    await began.wait()
    try:
        # When
        await worker.stop()
        await task
        # Then nobody runs it beside the attempt that goes on
        assert (await queue.count("queued"), await queue.count("active")) == (0, 1)
    finally:
        may_end.set()
        await ended.wait()
    # Then it is for others once the process and its lease are gone
    other = Claims(queue, "w2")
    await other.renew()
    await redis.zadd(queue.keys.workers, {"w1": 1})
    (job,) = (await other.recover()).taken.jobs
    await queue.settle(endings.lost(job))
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.attempts, stored.result) == (Status.QUEUED, 0, None)
