from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.exceptions import ResponseError

from jtc.queue import (
    RedisQueue,
    Scheduler,
    Tick,
    Worker,
    open_client,
    task_function_name,
)
from jtc.queue.scheduler import LONGEST_SLEEP
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


def a_task(schedule: str | int = 60, name: str = "report") -> ScheduledTask:
    async def run(ctx: dict[str, Any]) -> str:
        return "done"

    return ScheduledTask(run, schedule, name)


def a_worker(queue: RedisQueue, task: ScheduledTask) -> Worker:
    """A worker that fires the task and runs it."""
    functions = [(task_function_name(task), task.func)]
    return Worker(queue, functions, scheduler=Scheduler(queue, [task]))


def member(task: ScheduledTask) -> str:
    return f"{task.fingerprint}:{task.name}"


async def server_now(redis: Any) -> float:
    seconds, micros = await redis.time()
    return float(seconds + micros / 1_000_000)


async def just_due(redis: Any, name: str = "report") -> ScheduledTask:
    """A task whose newest tick was seconds ago and whose next is years away.

    No test can then straddle a tick by being slow.
    """
    seconds = (int(await server_now(redis)) - 2) // 12
    return a_task(seconds * 2, name)


async def make_due(
    redis: Any, queue: RedisQueue, task: ScheduledTask, ago: float = 0
) -> int:
    """Give a task's entry a due time in the past; return that time."""
    assert isinstance(task.schedule, int)
    due = int(await server_now(redis) - ago) // task.schedule * task.schedule
    await redis.zadd(queue.keys.due, {member(task): due})
    return due


async def jobs_in(queue: RedisQueue) -> list[saq.Job]:
    redis: Any = queue.redis
    ids = await redis.zrange(queue.keys.incomplete, 0, -1)
    keys = [queue.job_key_from_id(i.decode()) for i in ids]
    return [job for job in await queue.jobs(keys) if job] if keys else []


async def records(queue: RedisQueue, name: str) -> list[dict[str, Any]]:
    redis: Any = queue.redis
    lines = await redis.lrange(f"{queue.keys.history}{name}", 0, -1)
    return [json.loads(line) for line in lines]


async def outcomes(queue: RedisQueue, name: str) -> list[str]:
    return [record["outcome"] for record in await records(queue, name)]


async def test_a_new_task_is_due_at_its_next_tick(
    redis: Any, queue: RedisQueue
) -> None:
    task = a_task(3600)
    await Scheduler(queue, [task]).sync()
    score = await redis.zscore(queue.keys.due, member(task))
    now = await server_now(redis)
    assert score is not None
    assert score % 3600 == 0
    assert now < score <= now + 3600


@pytest.mark.fault("H3")
async def test_a_due_tick_is_enqueued_once_by_any_number_of_schedulers(
    redis: Any, queue: RedisQueue
) -> None:
    # Given ten workers that know the same task
    task = await just_due(redis)
    schedulers = [Scheduler(queue, [task]) for _ in range(10)]
    for scheduler in schedulers:
        await scheduler.step()
    due = await make_due(redis, queue, task)
    # When they all see that it is due
    await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    # Then there is one job for it, and the entry has moved on by one interval
    assert isinstance(task.schedule, int)
    jobs = await jobs_in(queue)
    assert [job.meta["tick"]["nominal"] for job in jobs] == [due]
    assert await redis.zscore(queue.keys.due, member(task)) == due + task.schedule


async def test_what_is_wrong_with_an_expectation_keeps_no_tick_from_being_fired(
    redis: Any, queue: RedisQueue
) -> None:
    # Given an expectation that nobody can read
    task = await just_due(redis)
    await redis.hset(queue.keys.expected, "other", b"{oops")
    scheduler = Scheduler(queue, [task])
    # When a worker looks, again and again
    with pytest.raises(ResponseError):
        await scheduler.step()
    await make_due(redis, queue, task)
    await scheduler.step()
    # Then what is due is fired
    assert len(await jobs_in(queue)) == 1


async def test_two_definitions_of_one_name_enqueue_a_tick_once(
    redis: Any, queue: RedisQueue
) -> None:
    # Given a rolling deploy: old and new workers, a tick that both definitions have
    old = await just_due(redis)
    assert isinstance(old.schedule, int)
    new = a_task(old.schedule // 2)
    for task in (old, new):
        await Scheduler(queue, [task]).step()
    due = await make_due(redis, queue, old)
    await redis.zadd(queue.keys.due, {member(old): due, member(new): due})
    # When
    for task in (old, new):
        scheduler = Scheduler(queue, [task])
        await scheduler.step()
        await scheduler.step()
    # Then
    jobs = await jobs_in(queue)
    assert [job.meta["tick"]["nominal"] for job in jobs].count(due) == 1


@pytest.mark.fault("H4")
async def test_a_removed_task_never_fires(
    redis: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    # Given an entry whose task is gone from the code, and due
    removed, kept = await just_due(redis, "removed"), a_task(60, "kept")
    await Scheduler(queue, [removed]).sync()
    await make_due(redis, queue, removed)
    # When workers that do not know it poll
    scheduler = Scheduler(queue, [kept])
    await scheduler.step()
    await scheduler.step()
    # Then it did not fire, and stays for a while for workers that may know it
    assert await jobs_in(queue) == []
    assert await redis.zscore(queue.keys.due, member(removed)) is not None
    # And once nobody has named it for a minute it is removed with a word
    await redis.zadd(queue.keys.seen, {member(removed): 1})
    with caplog.at_level(logging.INFO, "jtc.queue.syncing"):
        await scheduler.sync()
    assert await redis.zscore(queue.keys.due, member(removed)) is None
    assert "Removed the schedule of task removed" in caplog.text


@pytest.mark.fault("H4")
async def test_a_changed_task_fires_by_its_new_definition_at_once(
    redis: Any, queue: RedisQueue
) -> None:
    # Given a yearly task that has fired before
    yearly, soon = a_task("0 0 1 1 *"), a_task(60)
    await Scheduler(queue, [yearly]).sync()
    await redis.hset(queue.keys.last, "report", f"1 {yearly.fingerprint}")
    # When it is deployed as one that is due every minute
    await Scheduler(queue, [soon]).sync()
    # Then its next tick is the new one's, without any made up for
    score = await redis.zscore(queue.keys.due, member(soon))
    now = await server_now(redis)
    assert score is not None
    assert now < score <= now + 60


@pytest.mark.fault("H6")
async def test_ticks_missed_while_nobody_was_there_are_made_up_for_once(
    redis: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    task = a_task(60)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    due = await make_due(redis, queue, task, ago=600)
    newest = int(await server_now(redis)) // 60 * 60
    await scheduler.step()
    jobs = await jobs_in(queue)
    assert len(jobs) == 1
    assert jobs[0].meta["tick"]["nominal"] in (newest, newest + 60)
    (record,) = await records(queue, "report")
    assert (record["tick"], record["outcome"]) == (due, "missed:down")
    assert record["count"] >= (newest - due) // 60
    assert record["until"] == jobs[0].meta["tick"]["nominal"] - 60
    assert re.search(r"Task report missed \d+ tick", caplog.text)


async def test_a_tick_missed_by_a_task_whose_entry_was_removed_is_made_up_for(
    redis: Any, queue: RedisQueue
) -> None:
    # Given a task that last fired ten minutes ago and was taken for abandoned since
    task = a_task(60)
    last = int(await server_now(redis) - 600) // 60 * 60
    await redis.hset(queue.keys.last, "report", f"{last} {task.fingerprint}")
    # When its worker is back
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    await scheduler.step()
    # Then
    assert len(await jobs_in(queue)) == 1
    assert "missed:down" in await outcomes(queue, "report")


async def test_a_tick_is_skipped_while_the_one_before_it_is_not_done(
    redis: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a tick that waits in the queue
    task = await just_due(redis)
    assert isinstance(task.schedule, int)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    due = await make_due(redis, queue, task)
    await scheduler.step()
    # When the next one is due
    await redis.hset(queue.keys.last, "report", f"{due - 1} {task.fingerprint}")
    await redis.zadd(queue.keys.due, {member(task): due})
    with caplog.at_level(logging.INFO, "jtc.queue.scheduler"):
        await scheduler.step()
    # Then it is recorded, not enqueued, and the entry has moved on
    assert len(await jobs_in(queue)) == 1
    assert await outcomes(queue, "report") == ["skipped:overlap"]
    assert "Skipped 1 tick(s) of task report" in caplog.text
    assert await redis.zscore(queue.keys.due, member(task)) == due + task.schedule


async def test_a_task_runs_again_once_the_one_before_it_is_done(
    redis: Any, queue: RedisQueue
) -> None:
    # Given a tick that has run
    task = await just_due(redis)
    worker = Worker(queue, [(task_function_name(task), task.func)])
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    due = await make_due(redis, queue, task)
    await scheduler.step()
    await worker.process()
    # When
    await redis.hset(queue.keys.last, "report", f"{due - 1} {task.fingerprint}")
    await redis.zadd(queue.keys.due, {member(task): due})
    await scheduler.step()
    # Then
    assert len(await jobs_in(queue)) == 1
    assert await outcomes(queue, "report") == ["ran"]


async def test_entries_nobody_here_knows_do_not_hide_those_that_are_known(
    redis: Any, queue: RedisQueue
) -> None:
    # Given more foreign entries that are due than one look takes in
    foreign = {f"000000000000:foreign{n}": 1 for n in range(450)}
    await redis.zadd(queue.keys.due, foreign)
    task = await just_due(redis)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    await make_due(redis, queue, task)
    # When
    wait = await scheduler.step()
    # Then
    assert len(await jobs_in(queue)) == 1
    assert 0 < wait <= LONGEST_SLEEP


@pytest.mark.fault("H23")
async def test_a_thousand_tasks_due_at_once_are_fired_by_a_handful_of_calls(
    redis: Any, queue: RedisQueue
) -> None:
    seconds = (await just_due(redis)).schedule
    assert isinstance(seconds, int)
    tasks = [a_task(seconds, f"task{n}") for n in range(1000)]
    scheduler = Scheduler(queue, tasks)
    await scheduler.step()
    due = int(await server_now(redis)) // seconds * seconds
    await redis.zadd(queue.keys.due, {member(t): due for t in tasks})
    await redis.config_resetstat()
    await scheduler.step()
    calls = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert len(await jobs_in(queue)) == 1000
    assert calls <= 12


async def test_a_scheduler_sleeps_until_the_next_tick(
    redis: Any, queue: RedisQueue
) -> None:
    scheduler = Scheduler(queue, [a_task(1)])
    await scheduler.step()
    assert 0 < await scheduler.step() <= LONGEST_SLEEP


async def test_a_scheduler_without_tasks_leaves_no_trace(
    redis: Any, queue: RedisQueue
) -> None:
    # It looks, because schedules can be made at run time.
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    assert await scheduler.step() >= 1
    assert await redis.keys("*") == []


async def test_entries_come_back_after_the_server_lost_them(
    redis: Any, queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_task(60)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    await redis.flushall()
    monkeypatch.setattr(scheduler, "_next_sync", 0.0)
    await scheduler.step()
    assert await redis.zscore(queue.keys.due, member(task)) is not None


async def test_a_task_is_given_its_tick(
    redis_url: str, eventually: Eventually, working: Any
) -> None:
    # Given
    ticks: list[Tick] = []

    async def note(ctx: dict[str, Any]) -> None:
        assert ctx["worker"].id
        assert ctx["queue"].name == "default"
        assert ctx["job"].key.startswith("note@")
        ticks.append(ctx["tick"])

    task = ScheduledTask(note, 1)
    queue = RedisQueue(open_client(redis_url))
    worker = a_worker(queue, task)
    # When
    async with working(worker):
        await eventually(lambda: len(ticks) >= 2)
    await queue.disconnect()
    # Then
    first, second, *_ = ticks
    assert first.name == "note"
    assert first.nominal.tzinfo is not None
    assert first.nominal.microsecond == 0
    assert (second.nominal - first.nominal).total_seconds() >= 1
    assert first.late_by >= 0
    assert not first.manual


async def test_a_sync_task_runs_in_a_thread(
    redis_url: str, eventually: Eventually, working: Any
) -> None:
    threads: list[str] = []

    def note(ctx: dict[str, Any]) -> None:
        threads.append(threading.current_thread().name)

    task = ScheduledTask(note, 1)
    queue = RedisQueue(open_client(redis_url))
    worker = a_worker(queue, task)
    async with working(worker):
        await eventually(lambda: threads)
    await queue.disconnect()
    assert threads[0] != threading.main_thread().name
