from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import saq
from saq.job import Status

from jtc.queue import Limits, RedisQueue, SettingsError, Worker, memory, recycling
from jtc.queue.memory import resident_bytes

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]
MB = 1024 * 1024


async def fill(queue: RedisQueue, count: int) -> None:
    await queue.enqueue_many([saq.Job("f", key=str(n)) for n in range(count)])


# Pure


def test_without_a_limit_nothing_is_ever_reached() -> None:
    assert Limits().reached(jobs=10**9, seconds=1e9, memory=10**15) is None


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_jobs=5), "it has begun 5 job(s)"),
        (Limits(max_time=60), "it has worked for 60 s"),
        (Limits(max_memory=100 * MB), "it takes 100 MB of memory"),
    ],
)
def test_a_limit_is_reached_when_it_is_met(limits: Limits, reason: str) -> None:
    assert limits.reached(jobs=4, seconds=59.9, memory=100 * MB - 1) is None
    assert limits.reached(jobs=5, seconds=60.0, memory=100 * MB) == reason


@pytest.mark.parametrize(
    "given",
    [
        *({"max_jobs": value} for value in (0, -1, True, 1.5)),
        *({"max_memory": value} for value in (0, -1, True, 1.5)),
        *({"max_time": value} for value in (0, -1, True, float("nan"), float("inf"))),
    ],
)
def test_a_limit_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(given))):
        Limits(**given)


def test_the_memory_of_a_process_is_known() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    assert 5 * MB < resident_bytes() <= peak + 50 * MB


def test_where_the_system_does_not_tell_the_peak_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "nothing")
    assert resident_bytes() > 5 * MB


# A worker


@pytest.mark.parametrize("concurrency", [1, 3, 10])
async def test_a_worker_begins_exactly_as_many_jobs_as_it_may(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    caplog.set_level(logging.INFO, "jtc.queue")
    await fill(queue, 40)
    began = 0

    async def f(ctx: Context) -> None:
        nonlocal began
        began += 1
        # Some last longer than others, so that the slots become free one by one.
        await asyncio.sleep(0.01 * (began % 3))

    limits = Limits(max_jobs=17)
    worker = Worker(queue, [("f", f)], concurrency=concurrency, limits=limits)
    async with asyncio.timeout(30):
        await worker.start()
    # Then they have ended, and all others wait
    assert (began, queue.complete) == (17, 17)
    assert await queue.count("queued") == 23
    assert await queue.count("active") == 0
    assert worker.limit_reached == "it has begun 17 job(s)"
    assert "to be replaced by a fresh one: it has begun 17 job(s)" in caplog.text
    # and the next one begins where it stopped
    async with asyncio.timeout(30):
        await worker.start()
    assert (began, await queue.count("queued")) == (34, 6)


async def test_the_limit_counts_the_jobs_of_all_queues(
    queue: RedisQueue,
) -> None:
    queues = [queue, RedisQueue(queue.redis, "other")]
    for one in queues:
        await fill(one, 5)

    async def f(ctx: Context) -> None:
        await asyncio.sleep(0)

    await Worker(queues, [("f", f)], limits=Limits(max_jobs=7)).start()
    assert [await one.count("queued") for one in queues] == [0, 3]


async def test_what_runs_at_the_limit_has_its_grace(queue: RedisQueue) -> None:
    async def f(ctx: Context) -> None:
        if ctx["job"].key == "slow":
            await asyncio.sleep(60)
        await asyncio.sleep(0.05)

    await queue.enqueue("f", key="slow")
    await fill(queue, 1)
    await Worker(queue, [("f", f)], limits=Limits(max_jobs=2), grace=0.3).start()
    slow = await queue.job("slow")
    assert slow is not None
    assert (slow.status, slow.attempts) == (Status.QUEUED, 0)
    assert queue.complete == 1


async def test_a_worker_ends_after_its_time(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recycling, "LOOK_EVERY", 0.01)

    # A job that lasts until the time is up, however late it begins
    async def f(ctx: Context) -> None:
        while not worker.limit_reached:  # noqa: ASYNC110 - the worker sets no event
            await asyncio.sleep(0.01)

    await fill(queue, 1)
    worker = Worker(queue, [("f", f)], limits=Limits(max_time=2))
    async with asyncio.timeout(60):
        await worker.start()
    assert worker.limit_reached == "it has worked for 2 s"
    assert queue.complete == 1


async def test_a_worker_that_takes_too_much_memory_ends(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(recycling, "LOOK_EVERY", 0.01)
    hoard: list[bytes] = []

    async def f(ctx: Context) -> None:
        # Not zeros, which take no memory until they are looked at.
        hoard.append(os.urandom(64 * MB))

    limits = Limits(max_memory=resident_bytes() + 32 * MB)
    worker = Worker(queue, [("f", f)], limits=limits)
    working = asyncio.create_task(worker.start())
    await asyncio.sleep(0.1)
    assert not working.done()
    await fill(queue, 1)
    async with asyncio.timeout(30):
        await working
    assert worker.limit_reached is not None
    assert "MB of memory" in worker.limit_reached


async def test_a_limit_that_is_met_before_the_first_job_is_refused(
    queue: RedisQueue,
) -> None:
    with pytest.raises(SettingsError, match="max_memory is '1 MB'; it has to be more"):
        Worker(queue, [], limits=Limits(max_memory=MB))


async def test_a_worker_that_was_stopped_has_reached_no_limit(
    queue: RedisQueue, working: Any
) -> None:
    async with working(Worker(queue, [], limits=Limits(max_jobs=1))) as worker:
        await asyncio.sleep(0.05)
    assert worker.limit_reached is None


async def test_a_worker_can_leave_the_signals_to_others(
    queue: RedisQueue, eventually: Eventually
) -> None:
    import signal  # noqa: PLC0415 - only here

    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, heard.set)
    worker = Worker(queue, [], takes_signals=False)
    working = asyncio.create_task(worker.start())
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(heard.is_set)
    assert not worker.event.is_set()
    await worker.stop()
    await working
    with contextlib.suppress(ValueError):
        loop.remove_signal_handler(signal.SIGTERM)
