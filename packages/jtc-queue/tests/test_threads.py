from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from saq.job import Status

from jtc.queue import RedisQueue, ThreadStillRuns, Worker, threads
from jtc.queue.threads import as_async, is_async, run_in_thread

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a thread of the test waits for; opened at its end."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_call_in_a_thread_returns_its_result() -> None:
    assert await run_in_thread(lambda: 42) == 42


async def test_a_call_in_a_thread_raises_its_error() -> None:
    def fail() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await run_in_thread(fail)


async def test_a_call_in_a_thread_sees_the_callers_context() -> None:
    request = contextvars.ContextVar("request", default="none")
    request.set("seven")
    assert await run_in_thread(request.get) == "seven"


async def test_what_a_process_that_stood_still_has_not_begun_it_gives_back(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given that its threads begin too late
    monkeypatch.setattr(threads, "BEGINS_WITHIN", -1.0)
    begun: list[str] = []

    def note(ctx: dict[str, Any]) -> None:
        begun.append(ctx["job"].key)

    await queue.enqueue("note", key="one")
    # When
    await Worker(queue, [("note", note)]).process()
    # Then the job may run elsewhere, and no try was spent
    job = await queue.job("one")
    assert job is not None
    assert (begun, job.status, job.attempts) == ([], Status.QUEUED, 0)


async def test_a_canceled_wait_lasts_until_the_thread_has_ended(
    gate: threading.Event,
) -> None:
    ended: list[str] = []

    def work() -> None:
        gate.wait(10)
        ended.append("thread")

    task = asyncio.create_task(run_in_thread(work))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["thread"]


async def test_a_second_cancellation_does_not_end_the_wait_either(
    gate: threading.Event,
) -> None:
    task = asyncio.create_task(run_in_thread(lambda: gate.wait(10)))
    for _ in range(3):
        await asyncio.sleep(0.02)
        task.cancel()
    await asyncio.sleep(0.02)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_thread_that_does_not_end_is_reported(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.1)
    task = asyncio.create_task(run_in_thread(lambda: gate.wait(10)))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(ThreadStillRuns, match=r"still ran 0\.1 s later"):
        await task


async def test_an_error_that_nobody_waits_for_is_not_reported(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    ended: list[int] = []

    def fail() -> None:
        gate.wait(10)
        ended.append(1)
        raise ValueError("too late")

    task = asyncio.create_task(run_in_thread(fail))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(ThreadStillRuns):
        await task
    gate.set()
    await eventually(lambda: ended)


def test_a_thread_that_outlives_its_loop_ends_quietly(gate: threading.Event) -> None:
    before = set(threading.enumerate())

    async def leave() -> None:
        task = asyncio.create_task(run_in_thread(lambda: gate.wait(10)))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(ThreadStillRuns):
            await task

    patience, threads.PATIENCE = threads.PATIENCE, 0.05
    try:
        asyncio.run(leave())
    finally:
        threads.PATIENCE = patience
    (left,) = set(threading.enumerate()) - before
    gate.set()
    left.join(10)
    assert not left.is_alive()


def test_asynchronous_functions_are_left_as_they_are() -> None:
    async def f() -> None:
        return None

    assert is_async(f)
    assert as_async(f) is f
    assert not is_async(print)


def test_a_function_in_a_thread_keeps_its_name() -> None:
    def report() -> None:
        return None

    assert as_async(report).__name__ == "report"


@pytest.mark.fault("H14")
async def test_a_synchronous_job_past_its_timeout_is_never_run_beside_itself(
    queue: RedisQueue,
) -> None:
    # Given a job that ends some time after its timeout
    running, most, runs = 0, 0, 0

    def f(ctx: dict[str, Any]) -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        threading.Event().wait(0.5)
        running -= 1

    await queue.enqueue("f", key="one", timeout=0.1, retries=3)
    await Worker(queue, [("f", f)], burst=True).start()
    job = await queue.job("one")
    assert job is not None
    assert (job.status, most, runs) == (Status.FAILED, 1, 3)
    assert "longer than its timeout" in (job.error or "")


async def test_a_synchronous_job_whose_thread_does_not_end_fails_without_a_retry(
    queue: RedisQueue, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.2)
    runs: list[int] = []

    def f(ctx: dict[str, Any]) -> None:
        runs.append(1)
        gate.wait(20)

    await queue.enqueue("f", key="one", timeout=0.1, retries=3)
    await Worker(queue, [("f", f)], burst=True).start()
    job = await queue.job("one")
    assert job is not None
    assert (job.status, len(runs)) == (Status.FAILED, 1)
    assert "make the function asynchronous" in (job.error or "")


async def test_canceling_a_synchronous_job_after_its_timeout_does_not_double_it(
    queue: RedisQueue, working: Any, gate: threading.Event, eventually: Eventually
) -> None:
    running, most = 0, 0

    def f(ctx: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        gate.wait(20)
        running -= 1

    await queue.enqueue("f", key="one", timeout=0.1, retries=3)
    worker = Worker(queue, [("f", f)], grace=0)
    async with working(worker):
        await eventually(lambda: running == 1)
        # When its time is up, and somebody cancels it as well
        await asyncio.sleep(0.3)
        assert await queue.cancel("one")
        await asyncio.sleep(0.8)
        # Then it is still held by the attempt whose thread runs
        assert await queue.count("active") == 1
        assert await queue.count("queued") == 0
        gate.set()
        await eventually(lambda: queue.aborted == 1)
    assert most == 1
