from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq

from jtc.queue import QueueControl, QueueMonitor, RedisQueue, Worker, clearing, upkeep
from jtc.queue.claims import Claims
from jtc.queue.clearing import REASON
from jtc.queue.flow import Flow
from jtc.queue.flows import Flows

Eventually = Callable[..., Awaitable[Any]]


async def note(ctx: dict[str, Any]) -> None:
    pass


# -- clear -----------------------------------------------------------------------------


async def test_clearing_cancels_what_waits_and_leaves_what_runs(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(clearing, "GROUP", 4)
    control = QueueControl(queue)
    await queue.enqueue("note", key="runs")
    await Claims(queue, "w1").take(1)
    for n in range(10):
        await queue.enqueue("note", key=f"waits-{n}")
        await queue.enqueue("note", key=f"later-{n}", scheduled=4_000_000_000)
    assert await control.count_clearable() == 20
    # When
    steps = [step async for step in control.clear_in_steps()]
    # Then it went in bounded steps
    assert sum(steps) == 20
    assert max(steps) == 4
    assert await queue.count("queued") == 0
    assert await queue.count("incomplete") == 1
    for key in ("waits-7", "later-7"):
        job = await queue.job(key)
        assert job is not None
        assert (job.status, job.error) == ("aborted", REASON)
    assert (await QueueMonitor(queue).job("runs")).state == "running"  # type: ignore[union-attr]
    # And there is nothing left to do
    assert await control.clear() == 0


async def test_what_was_cleared_may_be_enqueued_again_and_runs(
    queue: RedisQueue,
) -> None:
    await queue.enqueue("note", key="one")
    await QueueControl(queue).clear()
    assert await queue.enqueue("note", key="one") is not None
    await Worker(queue, [note], burst=True).start()
    assert queue.complete == 1


async def test_a_tick_that_is_cleared_is_recorded(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.fire(ticking.task())
    assert await QueueControl(queue).clear() == 1
    (record,) = await ticking.records()
    assert record.error == REASON
    assert await queue.count("queued") == 0


async def test_a_batch_knows_that_its_jobs_were_cleared(queue: RedisQueue) -> None:
    # Given
    jobs = [saq.Job("note") for _ in range(3)]
    flow = Flow("batch", jobs, finally_=saq.Job("note", kwargs={"is": "last"}))
    await Flows(queue).start(flow)
    assert await queue.count("queued") == 3
    # When
    assert await QueueControl(queue).clear() == 3
    # Then what follows has come
    batch = await Claims(queue, "w1").take(5)
    assert [job.kwargs for job in batch.jobs] == [{"is": "last"}]


async def test_what_is_no_job_leaves_too(queue: RedisQueue) -> None:
    await queue.enqueue("note", key="bad")
    await queue.redis.set(queue.job_id("bad"), b"{oops")
    await queue.enqueue("note", key="lost")
    await queue.redis.delete(queue.job_id("lost"))
    await queue.redis.rpush(queue.keys.queued, "jtc:wake")  # type: ignore[misc]
    assert await QueueControl(queue).clear() == 2
    assert await queue.count("queued") == 0
    assert await queue.count("incomplete") == 0


# -- restart ---------------------------------------------------------------------------


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "REPORT_EVERY", 0.05)


@pytest.mark.usefixtures("quick_reports")
async def test_a_worker_that_is_to_be_restarted_lets_its_job_end(
    queue: RedisQueue, eventually: Eventually
) -> None:
    # Given
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        begun.set()
        await may_end.wait()

    worker = Worker(queue, [("wait", wait), ("note", note)])
    await queue.enqueue("wait")
    task = asyncio.create_task(worker.start())
    await begun.wait()
    await eventually(QueueMonitor(queue).workers)
    # When
    await QueueControl(queue).restart()
    # Then it takes no more, and ends with its job
    await eventually(worker.event.is_set)
    await queue.enqueue("note")
    may_end.set()
    await task
    assert (queue.complete, await queue.count("queued")) == (1, 1)
    assert worker.restart_asked
    assert worker.limit_reached == "all workers of the queue are to be restarted"


@pytest.mark.usefixtures("quick_reports")
async def test_a_worker_that_begins_later_is_not_meant(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    await QueueControl(queue).restart()
    async with working(Worker(queue, [note])) as worker:
        await queue.enqueue("note")
        await eventually(lambda: queue.complete == 1)
        await asyncio.sleep(0.2)
        assert not worker.event.is_set()
    assert not worker.restart_asked
    # And the wish is forgotten some day
    assert 0 < await queue.redis.ttl(queue.keys.restart) <= 24 * 3600
