from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from jtc.events import QueueBusy, listen, unlisten
from jtc.queue import QueueControl, RedisQueue, Worker, busy_watch
from jtc.queue.background import close_backgrounds
from jtc.queue.busy_limits import BusyLimits
from jtc.queue.busy_watch import BusyWatch

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def told() -> Iterator[list[QueueBusy]]:
    """The events so far."""
    events: list[QueueBusy] = []

    async def note(event: QueueBusy) -> None:
        events.append(event)

    listen(QueueBusy)(note)
    yield events
    unlisten(note)


async def look(*watches: BusyWatch) -> None:
    """Let workers look, all at the same time."""
    await asyncio.gather(*(watch.step() for watch in watches))
    await close_backgrounds()


async def fill(queue: RedisQueue, jobs: int) -> None:
    for _ in range(jobs):
        await queue.enqueue("f")


async def test_too_many_jobs_are_told_by_one_of_all_workers(
    queue: RedisQueue, told: list[QueueBusy], caplog: pytest.LogCaptureFixture
) -> None:
    # Given a queue with as many jobs as make it busy
    queue.busy_limits = BusyLimits(jobs=3)
    await fill(queue, 3)
    # When five workers look, and look again
    with caplog.at_level(logging.WARNING, "jtc.queue"):
        for _ in range(2):
            await look(*(BusyWatch(queue) for _ in range(5)))
    # Then one of them tells, once
    assert [(one.queue, one.queued) for one in told] == [("default", 3)]
    assert 0 <= told[0].oldest < 60
    assert [record.__dict__["action"] for record in caplog.records] == ["queue_busy"]
    assert "Queue default is busy: 3 job(s) wait, the next one for 0 s" in caplog.text


async def test_a_job_that_waits_for_too_long_is_told(
    queue: RedisQueue, told: list[QueueBusy]
) -> None:
    queue.busy_limits = BusyLimits(seconds=0)
    await fill(queue, 1)
    await asyncio.sleep(0.005)
    await look(BusyWatch(queue))
    assert told[0].oldest > 0


@pytest.mark.parametrize("jobs", [0, 2])
async def test_a_queue_within_its_limits_is_not_busy(
    queue: RedisQueue, told: list[QueueBusy], jobs: int
) -> None:
    queue.busy_limits = BusyLimits(jobs=3)
    await fill(queue, jobs)
    await look(BusyWatch(queue))
    assert told == []


async def test_a_paused_queue_is_not_busy(
    queue: RedisQueue, told: list[QueueBusy]
) -> None:
    queue.busy_limits = BusyLimits(jobs=1)
    await fill(queue, 1)
    await QueueControl(queue).pause(note="moving")
    await look(BusyWatch(queue))
    assert told == []


async def test_it_is_told_again_after_a_while(
    queue: RedisQueue,
    told: list[QueueBusy],
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy_watch, "AGAIN_AFTER_MS", 20)
    queue.busy_limits = BusyLimits(jobs=1)
    await fill(queue, 1)

    async def is_told_twice() -> bool:
        await look(BusyWatch(queue))
        return len(told) >= 2

    await eventually(is_told_twice)


async def test_nobody_looks_if_nobody_listens(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(queue.scripts, "run", refuse)
    assert await BusyWatch(queue).step() == busy_watch.LOOK_EVERY


async def test_a_worker_looks(
    *,
    queue: RedisQueue,
    told: list[QueueBusy],
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(busy_watch, "LOOK_EVERY", 0.01)
    queue.busy_limits = BusyLimits(jobs=2)
    may_end = asyncio.Event()

    async def f(ctx: dict[str, Any]) -> None:
        await may_end.wait()

    await fill(queue, 20)
    async with working(Worker(queue, [("f", f)], concurrency=1)):
        await eventually(lambda: told)
        may_end.set()
