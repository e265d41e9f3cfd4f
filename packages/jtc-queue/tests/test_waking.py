from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jtc.queue import RedisQueue, Scheduler, Schedules, Worker, upkeep
from jtc.queue.periodic import Duty
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


async def note(ctx: dict[str, Any]) -> None:
    pass


@pytest.fixture
def rare_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker at rest look for what waits for its time so rarely as never."""
    monkeypatch.setattr(upkeep, "PROMOTE_AT_REST", 3600.0)
    monkeypatch.setattr("jtc.queue.scheduler.LONGEST_SLEEP", 3600.0)


async def rest(queue: RedisQueue, eventually: Eventually) -> None:
    """Wait until the worker has looked at everything once and waits for work."""

    async def waits() -> bool:
        clients = await queue.redis.client_list()
        return any(client["cmd"] == "blmove" for client in clients)

    await eventually(waits)


@pytest.mark.usefixtures("rare_looks")
async def test_a_delayed_job_is_noticed_by_a_worker_at_rest(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queue, [("note", note)])):
        await rest(queue, eventually)
        seconds, _ = await queue.redis.time()
        await queue.enqueue("note", scheduled=seconds + 1)
        await eventually(lambda: queue.complete == 1)
    # And what woke the worker is gone
    assert await queue.count("queued") == 0


@pytest.mark.usefixtures("rare_looks")
async def test_a_schedule_is_noticed_by_a_worker_at_rest(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    task = ScheduledTask(note, 86400, "target")
    schedules = Schedules(queue, [task])
    worker = Worker(queue, [("task:target", note)], scheduler=Scheduler(queue, []))
    async with working(worker):
        await rest(queue, eventually)
        # Given one that is made, and one that is changed
        await schedules.add("made", every=1, task="target")
        await eventually(lambda: queue.complete >= 1)
        await schedules.update("made", every=86400)
        await rest(queue, eventually)
        done = queue.complete
        await schedules.update("made", every=1)
        await eventually(lambda: queue.complete > done)


async def test_nobody_is_woken_where_nobody_works(queue: RedisQueue) -> None:
    seconds, _ = await queue.redis.time()
    await queue.enqueue("note", scheduled=seconds + 60)
    assert await queue.count("queued") == 0


async def test_what_wakes_a_worker_is_no_job(queue: RedisQueue, working: Any) -> None:
    # Given an id that woke nobody, before a job
    await queue.redis.rpush(queue.keys.queued, "jtc:wake")  # type: ignore[misc]
    job = await queue.enqueue("note")
    assert job is not None
    worker = Worker(queue, [("note", note)])
    # Then the job runs, and nothing is left
    assert await worker.process() or await worker.process()
    assert await queue.count("queued") == 0
    assert await queue.count("incomplete") == 0


async def test_a_duty_that_is_woken_during_its_step_goes_on_at_once() -> None:
    stop = asyncio.Event()
    rounds = 0

    async def step() -> float:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            duty.wake()
        else:
            stop.set()
        return 3600.0

    duty = Duty(step, stop=stop)
    await asyncio.wait_for(duty.run(), 10)
    assert rounds == 2
