"""Each alert of docs/alerts.yml: what it is about happens, and the metrics show it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from jtc.queue import (
    RedisQueue,
    Scheduler,
    TaskFunction,
    Worker,
    open_client,
    task_function_name,
)
from jtc.queue.claims import Claims
from jtc.queue.definition import member_of
from jtc.queue.embedded import EmbeddedServer
from jtc.schedule import ScheduledTask

pytestmark = pytest.mark.usefixtures("_quick_looks")

Eventually = Callable[..., Awaitable[Any]]
Firing = Callable[..., set[str]]
Looked = Callable[..., Awaitable[Any]]
Working = Callable[[Worker], AbstractAsyncContextManager[Worker]]

DAY = 86_400


async def fine(ctx: dict[str, Any]) -> None:
    pass


async def broken(ctx: dict[str, Any]) -> None:
    raise ValueError("no")


def a_task(**options: Any) -> ScheduledTask:
    async def run(ctx: dict[str, Any]) -> str:
        return "done"

    return ScheduledTask(run, DAY, "report", **options)


def a_worker(queue: RedisQueue, *tasks: ScheduledTask, **options: Any) -> Worker:
    functions = [("fine", fine), ("broken", broken)]
    functions += [(task_function_name(task), TaskFunction(task)) for task in tasks]
    options.setdefault("scheduler", Scheduler(queue, tasks))
    worker = Worker(queue, functions, **options)
    worker.vitals.look()
    return worker


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A server of the test's own."""
    with EmbeddedServer(tmp_path / "data") as server:
        yield server


@pytest.fixture
async def fragile_queue(fragile: EmbeddedServer) -> AsyncIterator[RedisQueue]:
    queue = RedisQueue(open_client(fragile.url))
    yield queue
    await queue.disconnect()


async def test_all_is_quiet_where_all_is_well(
    queue: RedisQueue, working: Working, looked: Looked, firing: Firing
) -> None:
    task = a_task(run_on_start=True)
    async with working(a_worker(queue, task)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        for _ in range(20):
            await queue.enqueue("fine")
        await looked(worker, "jtc_jobs_total", 20, name="fine", outcome="complete")
        now = await looked(worker, "jtc_task_last_success_timestamp_seconds", 1)

    assert firing(before, now) == set()


async def test_a_queue_in_which_a_job_waits_for_long(
    queue: RedisQueue,
    redis: Any,
    working: Working,
    looked: Looked,
    firing: Firing,
) -> None:
    # Given a job that came ten minutes ago, and a queue from which nothing is taken
    job = await queue.enqueue("fine")
    assert job is not None
    job.queued -= 600_000
    await redis.set(job.id, queue.serialize(job))
    await redis.set(queue.keys.halt, b'{"at":1,"until":null,"note":""}')
    # When a worker looks
    async with working(a_worker(queue)) as worker:
        now = await looked(worker, "jtc_queue_oldest_job_age_seconds", 599)
    # Then
    assert firing(now, now) == {"JtcQueueTooOld"}


async def test_no_worker_that_tells_anything(nothing: Any, firing: Firing) -> None:
    assert firing(nothing, nothing) == {"JtcNoWorkers"}


async def test_a_queue_with_tasks_and_without_a_worker(
    queue: RedisQueue, redis: Redis, working: Working, looked: Looked, firing: Firing
) -> None:
    elsewhere = Scheduler(RedisQueue(redis, "elsewhere"), [a_task()])
    async with working(a_worker(queue, schedulers=[elsewhere])) as worker:
        await looked(worker, "jtc_workers", 1, queue="default")
        now = await looked(worker, "jtc_workers", 0, queue="elsewhere")

    assert firing(now, now) == {"JtcQueueWithoutWorkers"}


async def test_a_scheduler_that_asks_no_more_what_is_due(
    *,
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    working: Working,
    scrape: Any,
    looked: Looked,
    firing: Firing,
) -> None:
    async with working(a_worker(fragile_queue)) as worker:
        await looked(worker, "jtc_workers", 1)
        before = await looked(worker, "jtc_scheduler_heartbeat_timestamp_seconds", 1)
        # When the server hangs
        os.kill(fragile.pid, signal.SIGSTOP)
        now = scrape(worker)
        os.kill(fragile.pid, signal.SIGCONT)
    # Then it shows a minute later, if nothing has changed
    assert firing(before, now) == set()
    assert firing(before, now, later=70) == {"JtcSchedulerSilent"}


async def test_ticks_that_were_missed(
    queue: RedisQueue, redis: Any, working: Working, looked: Looked, firing: Firing
) -> None:
    task = a_task(catchup="none")
    async with working(a_worker(queue, task)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        # When nobody was there for a tick
        midnight = time.time() // DAY * DAY
        await Scheduler(queue, [task]).sync()
        await redis.zadd(queue.keys.due, {member_of(task): midnight - DAY})
        await worker.schedulers[0].step()
        now = await looked(worker, "jtc_ticks_missed_total", 1)

    assert firing(before, now) == {"JtcTicksMissed"}


async def test_a_task_that_has_not_succeeded_for_long(
    queue: RedisQueue, redis: Any, working: Working, looked: Looked, firing: Firing
) -> None:
    task = a_task()
    async with working(a_worker(queue, task)) as worker:
        await redis.hset(queue.keys.succeeded, task.name, time.time() - 2 * DAY)
        now = await looked(worker, "jtc_task_last_success_timestamp_seconds")

    assert firing(now, now) == {"JtcTaskWithoutSuccess"}


async def test_jobs_that_go_wrong(
    queue: RedisQueue, working: Working, looked: Looked, firing: Firing
) -> None:
    async with working(a_worker(queue)) as worker:
        for name in ("fine", "broken"):
            await queue.enqueue(name)
            before = await looked(worker, "jtc_jobs_total", 1, name=name)
        # When one of eleven goes wrong
        await queue.enqueue("broken")
        for _ in range(10):
            await queue.enqueue("fine")
        await looked(worker, "jtc_jobs_total", 11, outcome="complete")
        few = await looked(worker, "jtc_jobs_total", 2, outcome="failed")
        assert firing(before, few) == set()
        # And then another one
        await queue.enqueue("broken")
        now = await looked(worker, "jtc_jobs_total", 3, outcome="failed")

    assert firing(before, now) == {"JtcManyFailures"}


async def test_failed_jobs_that_grow_in_number(
    queue: RedisQueue, working: Working, looked: Looked, firing: Firing
) -> None:
    async with working(a_worker(queue)) as worker:
        before = await looked(worker, "jtc_queue_jobs")
        for _ in range(11):
            await queue.enqueue("broken")
        now = await looked(worker, "jtc_queue_jobs", 11, state="failed")

    assert "JtcFailedJobsGrow" in firing(before, now)
    assert "JtcFailedJobsGrow" not in firing(now, now)


@pytest.mark.usefixtures("short_lease")
async def test_workers_that_die(
    queue: RedisQueue, redis: Any, working: Working, looked: Looked, firing: Firing
) -> None:
    await queue.enqueue("fine")
    await Claims(queue, "dead").take(1)
    async with working(a_worker(queue)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        # When the other one's lease is over
        await redis.zadd(queue.keys.workers, {"dead": 1})
        now = await looked(worker, "jtc_jobs_recovered_total", 1)

    assert firing(before, now) == {"JtcJobsRecovered"}


async def test_a_server_that_is_away(
    *,
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    working: Working,
    scrape: Any,
    looked: Looked,
    firing: Firing,
    eventually: Eventually,
) -> None:
    def is_away() -> bool:
        return bool(scrape(worker).samples["jtc_redis_up"] == {frozenset(): 0.0})

    async with working(a_worker(fragile_queue)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        os.kill(fragile.pid, signal.SIGKILL)
        await eventually(is_away)
        now = scrape(worker)

    assert firing(before, now) == {"JtcRedisAway"}


async def test_a_server_that_is_lost_again_and_again(
    fragile: EmbeddedServer,
    fragile_queue: RedisQueue,
    working: Working,
    looked: Looked,
    firing: Firing,
) -> None:
    async with working(a_worker(fragile_queue)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        for count in (1, 2, 3):
            os.kill(fragile.pid, signal.SIGKILL)
            await looked(worker, "jtc_redis_disruptions_total", count)
            await asyncio.to_thread(fragile.stop)
            await asyncio.to_thread(fragile.start)
            now = await looked(worker, "jtc_redis_up", 1)

    assert firing(before, now) == {"JtcRedisUnsteady"}


async def test_ticks_that_begin_late(
    queue: RedisQueue, ticking: Any, working: Working, looked: Looked, firing: Firing
) -> None:
    task = ticking.task()
    async with working(a_worker(queue, task, scheduler=None)) as worker:
        before = await looked(worker, "jtc_workers", 1)
        # When a tick of months ago gets to run at last
        await ticking.fire(task)
        now = await looked(worker, "jtc_schedule_lateness_seconds_count", 1)

    # The queue may have been looked at while the tick of months ago waited in it.
    assert firing(before, now) - {"JtcQueueTooOld"} == {"JtcTicksLate"}


def test_each_alert_has_a_test(rules: dict[str, str]) -> None:
    text = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in rules if f'"{name}"' not in text] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not there")
def test_prometheus_takes_the_alerts() -> None:
    rules = Path(__file__).parents[4] / "docs" / "alerts.yml"

    subprocess.run(["promtool", "check", "rules", str(rules)], check=True, timeout=60)
