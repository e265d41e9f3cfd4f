"""H1 to H7: what must not run twice, or at the wrong time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from saq.job import Status

from jtc.queue import RedisQueue, Scheduler, Worker, open_client, task_function_name
from jtc.schedule import ScheduledTask

Context = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]
Notes = Callable[[], Awaitable[list[str]]]


@pytest.mark.fault("H1")
async def test_a_delayed_job_that_is_tried_again_runs_once_more_and_not_twice(
    engine: Any, queue: Any, working: Any, eventually: Eventually
) -> None:
    runs: list[int] = []
    ended = asyncio.Event()

    async def f(ctx: Context) -> None:
        runs.append(ctx["job"].attempts)
        if len(runs) == 1:
            raise ValueError("the first one fails")
        # For long enough that its time, which is past, is looked at again
        await asyncio.sleep(1.5)
        ended.set()

    await queue.enqueue("f", retries=3, scheduled=int(time.time()))
    async with working(engine.worker(queue, ("f", f))):
        await eventually(ended.is_set)
    assert runs == [1, 2]


@pytest.mark.fault("H2")
async def test_a_worker_that_stood_still_just_before_it_fired_fires_nothing_again(
    redis_url: str,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given two workers with one task; one stands still between looking and firing
    ticks: list[datetime] = []
    late = 0

    async def note(ctx: Context) -> None:
        ticks.append(ctx["tick"].nominal)

    task = ScheduledTask(note, 1)
    quick, slow = (RedisQueue(open_client(redis_url)) for _ in range(2))
    run = slow.scripts.run

    async def stand_still(name: str, keys: list[str], args: list[Any]) -> Any:
        nonlocal late
        if name == "fire":
            seen = len(ticks)
            # Until the other one has fired the same tick, and its job has ended
            await eventually(lambda: len(ticks) > seen)
            late += 1
        return await run(name, keys, args)

    monkeypatch.setattr(slow.scripts, "run", stand_still)
    workers = [
        Worker(q, [(task_function_name(task), note)], scheduler=Scheduler(q, [task]))
        for q in (quick, slow)
    ]
    # When
    async with working(workers[0]), working(workers[1]):
        await eventually(lambda: len(ticks) >= 4 and late >= 2)
    # Then
    assert set(Counter(ticks).values()) == {1}
    for each in (quick, slow):
        await each.disconnect()


@pytest.mark.fault("H4")
async def test_one_function_with_two_schedules_runs_at_both(
    redis_url: str, working: Any, eventually: Eventually
) -> None:
    names: set[str] = set()

    async def note(ctx: Context) -> None:
        names.add(ctx["tick"].name)

    tasks = [ScheduledTask(note, 1, "first"), ScheduledTask(note, 1, "second")]
    queue = RedisQueue(open_client(redis_url))
    functions = [(task_function_name(task), note) for task in tasks]
    worker = Worker(queue, functions, scheduler=Scheduler(queue, tasks))
    async with working(worker):
        await eventually(lambda: names == {"first", "second"})
    await queue.disconnect()


@pytest.mark.fault("H5")
async def test_a_job_that_was_claimed_by_a_worker_that_stands_still_is_left_to_it(
    queue: Any, start_process: Any, notes: Notes, eventually: Eventually
) -> None:
    # Given a worker that stands still just as it is given a second job
    await queue.enqueue("block", key="first", seconds=4)
    start_process("w1")

    async def stands_still() -> bool:
        return "first began w1" in await notes()

    await eventually(stands_still, within=20)
    # When another one looks for jobs without a worker
    start_process("w2")

    async def all_ended() -> bool:
        return bool(await queue.count("incomplete") == 0)

    await eventually(all_ended, within=30)
    # Then
    began = Counter(line.split()[0] for line in await notes() if " began " in line)
    assert began == {"first": 1, "next": 1}
    jobs = await queue.jobs(["first", "next"])
    assert {job.status if job else None for job in jobs} == {Status.COMPLETE}
