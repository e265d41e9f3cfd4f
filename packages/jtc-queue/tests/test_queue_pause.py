from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jtc.queue import (
    InvalidQueuePause,
    QueueControl,
    QueueMonitor,
    RedisQueue,
    Scheduler,
    Worker,
    claiming,
    task_function_name,
)
from jtc.queue.claims import Claims
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


async def note(ctx: dict[str, Any]) -> None:
    pass


async def is_at_rest(queue: RedisQueue) -> bool:
    clients = await queue.redis.client_list()
    return any(client["cmd"] == "blmove" for client in clients)


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers look at a paused queue more often."""
    monkeypatch.setattr(claiming, "PAUSED_WAIT", 0.05)


async def test_nothing_is_taken_from_a_paused_queue(queue: RedisQueue) -> None:
    # Given
    await queue.enqueue("note", key="one")
    await QueueControl(queue).pause(note="the bank is down")
    # When
    batch = await Claims(queue, "w1").take(5)
    # Then
    assert (batch.jobs, batch.met, batch.is_paused, batch.pause) == ((), 0, True, None)
    assert await queue.count("queued") == 1


async def test_a_claim_whose_reply_was_lost_is_given_although_the_queue_is_paused(
    queue: RedisQueue,
) -> None:
    # Given
    await queue.enqueue("note", key="one")
    claims = Claims(queue, "w1")
    (job,) = (await claims.take(5)).jobs
    await QueueControl(queue).pause()
    # When the reply is taken for lost
    claims._unanswered = job.claim
    # Then
    assert [again.key for again in (await claims.take(5)).jobs] == ["one"]


@pytest.mark.usefixtures("quick_looks")
async def test_a_worker_at_rest_does_not_take_what_comes_into_a_paused_queue(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queue, [note])):
        # Given a worker that waits at the empty queue
        await eventually(lambda: is_at_rest(queue))
        await QueueControl(queue).pause()
        await queue.enqueue("note")
        # When it has looked
        await queue.redis.config_resetstat()
        began = time.monotonic()
        await asyncio.sleep(0.5)
        stats = await queue.redis.info("commandstats")
        looks = (time.monotonic() - began) / claiming.PAUSED_WAIT
        # Then it neither runs the job nor spins: three scripts a look at the most
        assert (queue.complete, await queue.count("queued")) == (0, 1)
        assert stats["cmdstat_evalsha"]["calls"] < 4 * (looks + 5)
        # And goes on once it may
        assert await QueueControl(queue).resume() is True
        await eventually(lambda: queue.complete == 1)


@pytest.mark.usefixtures("quick_looks")
async def test_running_jobs_go_on_and_another_queue_is_worked_on(
    queue: RedisQueue, redis: Redis, working: Any, eventually: Eventually
) -> None:
    # Given a job that runs
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        begun.set()
        await may_end.wait()

    other = RedisQueue(redis, "other")
    async with working(Worker([queue, other], [("wait", wait), note])):
        await queue.enqueue("wait")
        await begun.wait()
        # When
        await QueueControl(queue).pause()
        await queue.enqueue("note")
        await other.enqueue("note")
        # Then
        await eventually(lambda: other.complete == 1)
        may_end.set()
        await eventually(lambda: queue.complete == 1)
        assert await queue.count("queued") == 1


@pytest.mark.usefixtures("quick_looks")
async def test_a_pause_for_a_time_ends_by_itself(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given
    await queue.enqueue("note")
    pause = await QueueControl(queue).pause(timedelta(seconds=0.3))
    assert pause.until is not None
    assert (pause.until - pause.at).total_seconds() == pytest.approx(0.3)
    # When a worker comes, or one that was started again
    async with working(Worker(queue, [note])):
        await eventually(lambda: queue.complete == 1)
    # Then
    stats = await QueueMonitor(queue).stats()
    assert stats.paused is None
    assert await QueueControl(queue).resume() is False


@pytest.mark.usefixtures("quick_looks")
async def test_ticks_are_enqueued_while_a_queue_is_paused(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    task = ScheduledTask(note, 1, "beat")
    name = task_function_name(task)
    await QueueControl(queue).pause()
    worker = Worker(queue, [(name, note)], scheduler=Scheduler(queue, [task]))

    async def is_queued() -> bool:
        return await queue.count("queued") > 0

    async with working(worker):
        await eventually(is_queued)
        assert queue.complete == 0


async def test_a_burst_ends_at_a_paused_queue(queue: RedisQueue) -> None:
    await queue.enqueue("note")
    await QueueControl(queue).pause()
    await Worker(queue, [note], burst=True).start()
    assert await queue.count("queued") == 1


async def test_a_pause_is_shown_with_its_end_and_its_reason(queue: RedisQueue) -> None:
    await QueueControl(queue).pause(note="first")
    pause = await QueueControl(queue).pause(3600, note="the bank is down")
    stats = await QueueMonitor(queue).stats()
    assert stats.paused == pause
    assert pause.note == "the bank is down"


@pytest.mark.parametrize("duration", [0, -1, float("nan"), "1h", True, 1e10])
async def test_a_pause_for_no_time_is_refused(queue: RedisQueue, duration: Any) -> None:
    with pytest.raises(InvalidQueuePause, match="more than 0 and up to a year"):
        await QueueControl(queue).pause(duration)
    assert (await QueueMonitor(queue).stats()).paused is None
