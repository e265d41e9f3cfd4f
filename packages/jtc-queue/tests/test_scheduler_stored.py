from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jtc.queue import RedisQueue, Scheduler, TaskFunction, Worker
from jtc.queue.definition import (
    decode_definition,
    encode_definition,
    member_of,
    not_here,
)
from jtc.queue.target import Target
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


async def store(
    queue: RedisQueue,
    name: str,
    target: Target,
    *,
    ago: float = 1,
    **options: Any,
) -> int:
    """Store a schedule as if it had been made at run time; return its newest tick.

    Its newest tick was seconds ago, and its next is years away.
    """
    redis: Any = queue.redis
    now = int((await redis.time())[0] - ago)
    seconds = now // 12
    task = ScheduledTask(not_here, seconds, name, phase=now % seconds, **options)
    definition = encode_definition(task, target)
    await redis.hset(queue.keys.definitions, name, definition)
    await redis.zadd(queue.keys.due, {f"*:{name}": now})
    return now


async def step(queue: RedisQueue, *tasks: ScheduledTask) -> float:
    scheduler = Scheduler(queue, tasks)
    await scheduler.step()
    return await scheduler.step()


async def test_a_schedule_made_at_run_time_runs_a_task_of_another_worker(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a task with conditions of its own, and a schedule that runs it
    given: list[Any] = []

    async def send(ctx: dict[str, Any], tenant: int) -> None:
        given.append((ctx["tick"].name, tenant))

    task = ticking.task(send, name="send", when=lambda: False, payload={"tenant": 0})
    target = Target("task", "send")
    newest = await store(queue, "tenant-7", target, payload={"tenant": 7})
    # When a worker fires it that does not know the task
    await step(queue)
    # Then one that does runs it
    (job,) = await ticking.waiting()
    assert (job.function, job.meta["tick"]["nominal"]) == ("task:send", newest)
    await ticking.worker(task).process()
    assert given == [("tenant-7", 7)]
    assert await ticking.outcomes("tenant-7") == [("ran", 1)]
    assert await ticking.outcomes("send") == []


async def test_a_schedule_made_at_run_time_runs_a_job_class(
    ticking: Any, queue: RedisQueue
) -> None:
    target = Target("job", "shop.SendInvoice")
    await store(queue, "invoices", target, payload={"order": 7})
    await step(queue)
    (job,) = await ticking.waiting()
    assert job.function == "runner"
    assert job.kwargs == {"job_class": "shop.SendInvoice", "payload": {"order": 7}}


async def test_of_many_workers_one_fires_a_stored_schedule(
    ticking: Any, queue: RedisQueue
) -> None:
    await store(queue, "tenant-7", Target("task", "send"))
    schedulers = [Scheduler(queue, []) for _ in range(8)]
    for _ in range(2):
        await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    assert len(await ticking.waiting()) == 1


async def test_a_thousand_stored_schedules_are_fired_by_a_handful_of_calls(
    ticking: Any, queue: RedisQueue
) -> None:
    names = [f"tenant-{n}" for n in range(1000)]
    newest = await store(queue, names[0], Target("task", "send"))
    redis: Any = queue.redis
    definition = await redis.hget(queue.keys.definitions, names[0])
    await redis.hset(queue.keys.definitions, mapping=dict.fromkeys(names, definition))
    await redis.zadd(queue.keys.due, {f"*:{name}": newest for name in names})
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await redis.config_resetstat()
    await scheduler.step()
    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert await redis.llen(queue.keys.queued) == 1000
    assert calls <= 12


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "no json",
        "{}",
        '{"in_code":false,"schedule":"61 * * * *","description":"","options":{}}',
        '{"in_code":false,"schedule":60,"description":"","options":{"later":1}}',
    ],
)
async def test_a_schedule_that_cannot_be_read_does_not_block_the_others(
    ticking: Any,
    queue: RedisQueue,
    caplog: pytest.LogCaptureFixture,
    definition: str,
) -> None:
    # Given a schedule that no version of this package wrote, and a sound one
    await ticking.redis.hset(queue.keys.definitions, "broken", definition)
    await ticking.redis.zadd(queue.keys.due, {"*:broken": 1})
    await store(queue, "sound", Target("task", "send"))
    # When
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    waits = [await scheduler.step() for _ in range(3)]
    # Then the sound one is fired, and that is all there is to do
    assert len(await ticking.waiting()) == 1
    assert min(waits) > 0.5
    # And it is said once, and left to workers that may be able to read it
    said = [r for r in caplog.records if "broken" in r.getMessage()]
    assert len(said) == bool(definition)
    assert await ticking.redis.zscore(queue.keys.due, "*:broken") == 1


async def test_an_entry_without_a_definition_is_left_alone(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.redis.zadd(queue.keys.due, {"*:nobody": 1})
    await step(queue)
    assert await ticking.waiting() == []


async def test_a_changed_definition_counts_from_the_next_tick_on(
    ticking: Any, queue: RedisQueue
) -> None:
    target = Target("task", "send")
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    for tenant in (1, 2):
        await store(queue, "tenant", target, payload={"tenant": tenant})
        await ticking.redis.delete(queue.keys.last, queue.keys.incomplete)
        await scheduler.step()
    assert [job.kwargs for job in await ticking.waiting()][-1] == {"tenant": 2}


async def test_a_task_takes_the_place_of_a_stored_schedule_of_its_name(
    ticking: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    await store(queue, "report", Target("task", "send"))
    task = ticking.task()
    await Scheduler(queue, [task]).sync()
    assert "Schedule report, made at run time, gave way" in caplog.text
    assert await ticking.redis.zrange(queue.keys.due, 0, -1) == [
        member_of(task).encode()
    ]
    text = await ticking.redis.hget(queue.keys.definitions, "report")
    assert decode_definition("report", text).in_code


async def test_a_worker_runs_what_is_stored_for_its_tasks(
    queue: RedisQueue, eventually: Eventually, working: Any
) -> None:
    ran: list[str] = []

    async def send(ctx: dict[str, Any]) -> None:
        ran.append(ctx["tick"].name)

    task = ScheduledTask(send, 3600, "send", enabled=False)
    await store(queue, "tenant-7", Target("task", "send"))
    worker = Worker(
        queue,
        [("task:send", TaskFunction(task))],
        scheduler=Scheduler(queue, [task]),
    )
    async with working(worker):
        await eventually(lambda: ran)
    assert ran == ["tenant-7"]


async def test_what_cannot_be_read_is_logged_with_a_way_out(
    ticking: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    await ticking.redis.hset(queue.keys.definitions, "broken", "{}")
    await ticking.redis.zadd(queue.keys.due, {"*:broken": 1})
    with caplog.at_level(logging.WARNING, "jtc.queue.polling"):
        await step(queue)
    assert "Schedule broken is not fired by this worker:" in caplog.text
    assert "remove the schedule" in caplog.text
