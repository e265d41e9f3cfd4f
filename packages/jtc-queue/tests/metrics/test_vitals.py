from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from jtc.queue import RedisQueue, Scheduler, Worker, standing
from jtc.queue.standing import read_standing
from jtc.schedule import ScheduledTask

pytestmark = pytest.mark.usefixtures("_quick_looks")

Eventually = Callable[..., Awaitable[Any]]
Working = Callable[[Worker], AbstractAsyncContextManager[Worker]]


def a_task(name: str = "report") -> ScheduledTask:
    async def run(ctx: dict[str, Any]) -> str:
        return "done"

    return ScheduledTask(run, 86_400, name)


async def test_a_worker_that_nobody_watches_asks_nothing_and_notes_nothing(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    async def f(ctx: dict[str, Any]) -> None:
        pass

    async with working(Worker(queue, [("f", f)])) as worker:
        job = await queue.enqueue("f")
        assert job is not None
        await job.refresh(None)
        snapshot = worker.vitals.snapshot()

    assert snapshot["turned"] is None
    assert snapshot["queues"]["default"]["standing"] is None


async def test_the_turns_of_the_event_loop_are_noted(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    worker = Worker(queue, [])
    worker.vitals.watch()
    assert worker.vitals.snapshot()["turned"] is None
    async with working(worker):
        first = await eventually(lambda: worker.vitals.snapshot()["turned"])
        await eventually(lambda: worker.vitals.snapshot()["turned"] > first)
        # When it does not turn, this cannot change
        blocked = threading.Event()
        before = worker.vitals.snapshot()["turned"]
        seen: list[float] = []

        def look() -> None:
            blocked.wait(0.2)
            seen.append(worker.vitals.snapshot()["turned"])
            blocked.set()

        threading.Thread(target=look).start()
        blocked.wait()
        assert seen == [before]
    # Then nobody turns it any more
    assert worker.vitals.snapshot()["turned"] is None


async def test_a_worker_says_what_state_it_is_in(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    worker = Worker(queue, [])
    assert worker.vitals.snapshot()["state"] == "starting"
    async with working(worker):
        await eventually(lambda: worker.vitals.snapshot()["state"] == "working")
        worker.event.set()
        assert worker.vitals.snapshot()["state"] == "stopping"
    # And when it starts again
    async with working(worker):
        await eventually(lambda: worker.state == "working")


async def test_the_look_is_that_of_the_scheduler_that_has_not_looked_for_longest(
    queue: RedisQueue,
) -> None:
    one, other = Scheduler(queue, []), Scheduler(queue, [])
    worker = Worker(queue, [], schedulers=[one, other])
    one.looked = 5.0
    assert worker.vitals.snapshot()["scheduler"] == {"looked": None}
    other.looked = 4.0
    assert worker.vitals.snapshot()["scheduler"] == {"looked": 4.0}


@pytest.mark.parametrize("how", ["no scheduler", "burst", "stopping"])
async def test_nothing_is_said_of_looks_where_there_are_none(
    queue: RedisQueue, how: str
) -> None:
    schedulers = [] if how == "no scheduler" else [Scheduler(queue, [])]
    worker = Worker(queue, [], schedulers=schedulers, burst=how == "burst")
    if how == "stopping":
        worker.event.set()

    assert worker.vitals.snapshot()["scheduler"] is None


async def test_a_snapshot_is_json_and_may_be_taken_by_any_thread(
    queue: RedisQueue, working: Working, eventually: Eventually
) -> None:
    worker = Worker(queue, [], scheduler=Scheduler(queue, [a_task()]))
    worker.vitals.look()
    ended = threading.Event()
    texts: list[str] = []

    def read() -> None:
        while not ended.is_set():
            texts.append(json.dumps(worker.vitals.snapshot()))

    async with working(worker):
        reading = asyncio.create_task(asyncio.to_thread(read))
        # A new name each time, while another thread reads the table of names
        for number in range(900):
            worker.queue.measures.ran(str(number), "complete", 0.1)
            worker.queue.measures.ticks["missed", str(number)] += 1
            if number % 50 == 0:
                await asyncio.sleep(0)
        await eventually(lambda: json.loads(texts[-1])["queues"]["default"]["standing"])
        ended.set()
        await reading

    runs = worker.vitals.snapshot()["queues"]["default"]["measures"]["runs"]
    assert len(runs) == 900


async def test_a_queue_is_described(queue: RedisQueue, redis: Any) -> None:
    task = a_task()
    await Scheduler(queue, [task]).sync()
    await redis.hset(queue.keys.succeeded, mapping={"report": "12.500", "former": "1"})
    await queue.enqueue("f")
    await queue.enqueue("f", scheduled=time.time() + 60)

    found = await read_standing(queue, ["report"])

    assert found["jobs"] == {"waiting": 1, "delayed": 1, "running": 0, "failed": 0}
    assert found["oldest"] >= 0
    assert (found["workers"], found["paused"]) == (0, False)
    # And not of a task that is no longer scheduled.
    assert found["successes"] == {"report": 12.5}


async def test_schedules_that_were_made_at_run_time_are_looked_at_too(
    queue: RedisQueue, redis: Any
) -> None:
    async def job(ctx: dict[str, Any]) -> None:
        pass

    await redis.hset(queue.keys.definitions, "made", "{}")
    await redis.hset(queue.keys.succeeded, "made", "3")

    assert (await read_standing(queue, []))["successes"] == {"made": 3.0}


async def test_of_very_many_schedules_only_those_in_code_are_looked_at(
    queue: RedisQueue, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "MOST_TASKS", 2)
    names = ("one", "two", "three")
    await redis.hset(queue.keys.definitions, mapping=dict.fromkeys(names, "{}"))
    await redis.hset(queue.keys.succeeded, mapping=dict.fromkeys(names, "3"))

    found = await read_standing(queue, ["two"])

    assert found["successes"] == {"two": 3.0}
