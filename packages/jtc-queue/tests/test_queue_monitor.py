from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest
import saq
from redis.asyncio import Redis

from jtc.queue import (
    FailedJobs,
    QueueMonitor,
    QueueNames,
    RedisQueue,
    Scheduler,
    TaskFunction,
    Worker,
    queue_names,
    task_function_name,
    upkeep,
)
from jtc.queue.claims import Claims
from jtc.queue.queue_stats import HEAD
from jtc.queue.wall_clock import epoch_ms
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


async def echo(ctx: dict[str, Any], **kwargs: Any) -> Any:
    return kwargs


async def error(ctx: dict[str, Any]) -> None:
    raise ValueError("no luck")


@pytest.fixture
def monitor(queue: RedisQueue) -> QueueMonitor:
    return QueueMonitor(queue)


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "REPORT_EVERY", 0.05)


# -- stats -----------------------------------------------------------------------------


async def test_an_empty_queue_has_nothing(monitor: QueueMonitor) -> None:
    stats = await monitor.stats()
    counts = (stats.queued, stats.running, stats.delayed, stats.failed, stats.workers)
    assert counts == (0, 0, 0, 0, 0)
    assert (stats.oldest, stats.paused, stats.completed_per_minute) == (None, None, 0)
    assert abs(stats.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_jobs_are_counted_where_they_stand(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    # Given one of each
    await queue.enqueue("error")
    await Worker(queue, [error], burst=True).start()
    await queue.enqueue("echo", key="runs")
    await Claims(queue, "w1").take(1)
    await queue.enqueue("echo", key="later", scheduled=4_000_000_000)
    for n in range(3):
        await queue.enqueue("echo", key=f"waits-{n}")
    # When
    stats = await monitor.stats()
    # Then
    assert (stats.queued, stats.running, stats.delayed, stats.failed) == (3, 1, 1, 1)
    assert stats.workers == 1


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ({"queued": 60_000}, 60),
        ({"queued": 600_000, "scheduled": 20}, 20),
        ({"queued": 600_000, "meta": {"delay": 590}}, 10),
        ({"queued": 600_000, "attempts": 1, "touched": 90_000, "retry_delay": 30}, 60),
    ],
)
async def test_the_age_of_the_oldest_is_since_when_it_could_be_taken(
    queue: RedisQueue, monitor: QueueMonitor, fields: dict[str, Any], age: float
) -> None:
    # Given times in ms and s before now
    now = epoch_ms()
    ago: dict[str, Any] = {
        name: now - fields[name] for name in ("queued", "touched") if name in fields
    }
    if "scheduled" in fields:
        ago["scheduled"] = now // 1000 - fields["scheduled"]
    job = saq.Job("echo", key="one", **{**fields, **ago}, queue=queue)
    await queue.enqueue("echo", key="one")
    await queue.redis.set(queue.job_id("one"), queue.serialize(job))
    # When
    oldest = (await monitor.stats()).oldest
    # Then
    assert oldest is not None
    assert age - 2 <= oldest <= age + 30


async def test_the_oldest_is_behind_what_was_canceled(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    for n in range(HEAD - 1):
        await queue.enqueue("echo", key=f"canceled-{n}", ttl=-1)
        await queue.cancel(f"canceled-{n}")
    assert (await monitor.stats()).oldest is None
    await queue.enqueue("echo")
    assert (await monitor.stats()).oldest is not None


async def test_what_has_ended_is_counted_by_minutes(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    # Given
    for _ in range(5):
        await queue.enqueue("echo")
    await queue.enqueue("error", retries=2)
    # When
    await Worker(queue, [echo, error], burst=True).start()
    # Then the worker has told before it left
    stats = await monitor.stats()
    assert stats.ended == (5, 1, 1, 0)
    assert 240 < stats.seconds <= 300
    assert stats.completed_per_minute == pytest.approx(5 * 60 / stats.seconds)
    assert stats.failed_per_minute == pytest.approx(2 * 60 / stats.seconds)
    # And what is counted goes by itself
    (minute,) = await queue.redis.keys(f"{queue.keys.ended}*")
    assert 0 < await queue.redis.ttl(minute) <= 7200


async def test_counts_wait_for_a_report_that_did_not_get_through(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(queue, [])
    queue.complete = 3
    reporting = worker._stations[0]._reporting

    async def fail(*args: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(queue.scripts, "run", fail)
        with pytest.raises(ConnectionError):
            await reporting.report()
    await reporting.report()
    await reporting.report()
    assert (await QueueMonitor(queue).stats()).ended.complete == 3


async def test_a_look_is_one_call_whatever_waits(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    await queue.enqueue_many([saq.Job("echo") for _ in range(500)])
    await monitor.stats()
    await queue.redis.config_resetstat()
    await monitor.stats()
    stats: dict[str, Any] = await queue.redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1
    assert not {"cmdstat_keys", "cmdstat_scan"} & stats.keys()


# -- workers ---------------------------------------------------------------------------


@pytest.mark.usefixtures("quick_reports")
async def test_a_worker_says_how_it_is(
    queue: RedisQueue,
    monitor: QueueMonitor,
    working: Any,
    eventually: Eventually,
) -> None:
    # Given a worker that runs a job
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        begun.set()
        await may_end.wait()

    task = ScheduledTask(echo, 86400, "daily")
    worker = Worker(
        queue,
        [("wait", wait), (task_function_name(task), TaskFunction(task))],
        id="w1",
        concurrency=4,
        scheduler=Scheduler(queue, [task]),
    )
    async with working(worker):
        await queue.enqueue("wait", key="one")
        await begun.wait()

        async def told() -> Any:
            (seen,) = await monitor.workers()
            is_known = seen.looked is not None and seen.running == 1
            return seen if is_known and seen.jobs[0].started else None

        # When
        seen = await eventually(told)
        may_end.set()
    # Then
    assert (seen.id, seen.state, seen.queues) == ("w1", "working", "default")
    assert (seen.host, seen.pid) == (socket.gethostname(), os.getpid())
    assert (seen.concurrency, seen.version) == (4, version("jtc-queue"))
    assert [(job.id, job.name) for job in seen.jobs] == [("one", "wait")]
    assert seen.started <= seen.reported <= seen.seen
    assert seen.looked < 10
    # And one that has left is not shown any more
    assert await monitor.workers() == []


async def test_a_dead_worker_is_shown_as_gone(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    worker = Worker(queue, [], id="w1")
    await worker._stations[0]._reporting.report()
    (seen,) = await monitor.workers()
    assert (seen.id, seen.state) == ("w1", "gone")


async def test_a_worker_that_says_nothing_any_more_is_silent(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    # Given a lease that is renewed, as from a thread, and a report of long ago
    worker = Worker(queue, [], id="w1")
    await worker._stations[0]._reporting.report()
    await queue.redis.zincrby(queue.keys.reports, -20_000, f"{queue.keys.report}w1")
    await Claims(queue, "w1").renew()
    # Then
    (seen,) = await monitor.workers()
    assert seen.state == "silent"
    health = await monitor.health()
    assert not health.is_healthy
    assert health.reason == "w1 lives, but its event loop does not turn"


async def test_a_worker_of_plain_saq_is_shown_with_what_it_says(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    await queue.worker_info("plain", "default", metadata={"jtc": "mine"})
    (seen,) = await monitor.workers()
    assert (seen.id, seen.pid, seen.queues) == ("plain", None, "")


async def test_workers_are_read_in_two_calls(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    for n in range(20):
        await queue.enqueue("echo", key=str(n))
    await Claims(queue, "w1").take(20)
    await queue.redis.config_resetstat()
    (seen,) = await monitor.workers()
    stats: dict[str, Any] = await queue.redis.info("commandstats")
    assert len(seen.jobs) == 20
    assert sum(part["calls"] for part in stats.values()) < 12


# -- one job ---------------------------------------------------------------------------


async def test_a_job_is_shown_as_it_goes_its_way(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    assert await monitor.job("one") is None
    # When it waits
    await queue.enqueue("echo", key="one", a=1, timeout=7, meta={"tags": ["x", "y"]})
    waiting = await monitor.job("one")
    # Then
    assert waiting is not None
    assert (waiting.id, waiting.queue, waiting.state) == ("one", "default", "waiting")
    assert (waiting.function, waiting.job_class) == ("echo", None)
    assert (waiting.payload, waiting.timeout) == ({"a": 1}, 7)
    assert waiting.tags == ("x", "y")
    assert waiting.queued_at is not None
    # When it is claimed and to be stopped
    await Claims(queue, "w1").take(1)
    await queue.cancel("one", reason="too late")
    running = await monitor.job(f"saq:job:{queue.name}:one")
    # Then
    assert running is not None
    assert (running.id, running.state, running.worker) == ("one", "running", "w1")
    assert running.canceling == "too late"


async def test_a_delayed_job_says_when_it_is_due(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    await queue.enqueue("echo", key="one", scheduled=4_000_000_000)
    job = await monitor.job("one")
    assert job is not None
    assert job.state == "delayed"
    assert job.due_at == datetime.fromtimestamp(4_000_000_000, tz=UTC)


async def test_jobs_that_have_ended_are_shown_with_what_they_came_to(
    queue: RedisQueue, monitor: QueueMonitor
) -> None:
    await queue.enqueue("echo", key="good", a=1)
    await queue.enqueue("error", key="bad", retries=2)
    await queue.enqueue("echo", key="canceled")
    await queue.cancel("canceled", reason="not today")
    await Worker(queue, [echo, error], id="w1", burst=True).start()
    good, bad, canceled = [await monitor.job(k) for k in ("good", "bad", "canceled")]
    assert good is not None
    assert (good.state, good.result, good.worker) == ("complete", {"a": 1}, "w1")
    assert bad is not None
    assert (bad.state, bad.exception) == ("failed", "ValueError")
    assert (bad.attempts, bad.tries, bad.failed_at is None) == (2, 2, False)
    assert "no luck" in str(bad.error)
    assert canceled is not None
    assert (canceled.state, canceled.error) == ("aborted", "not today")


async def test_the_job_of_a_tick_says_which(
    ticking: Any, monitor: QueueMonitor
) -> None:
    await ticking.fire(ticking.task())
    (waiting,) = await ticking.waiting()
    job = await monitor.job(waiting.key)
    assert job is not None
    assert job.tick == ("report", datetime.fromtimestamp(ticking.start, tz=UTC))


async def test_what_is_no_job_is_shown_with_its_text(
    queue: RedisQueue, monitor: QueueMonitor, redis: Redis
) -> None:
    # Given one below a job's key, and one below any key
    await queue.enqueue("echo", key="bad")
    await redis.set(queue.job_id("bad"), b"{oops")
    await redis.set("foreign", b"hello")
    await redis.rpush(queue.keys.queued, "foreign")  # type: ignore[misc]
    await redis.zadd(queue.keys.incomplete, {"foreign": 0})
    await Worker(queue, [], burst=True).start()
    assert await FailedJobs(queue).count() == 2
    # Then
    for key, raw in (("bad", "{oops"), ("foreign", "hello")):
        job = await monitor.job(key)
        assert job is not None
        assert (job.state, job.raw, job.failed_at is None) == ("unreadable", raw, False)
    # And what is nobody's is not shown
    assert await monitor.job(queue.keys.failed) is None


# -- names -----------------------------------------------------------------------------


async def test_queues_that_are_worked_on_are_known(
    queue: RedisQueue, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = RedisQueue(redis, "other")
    for one in (queue, other):
        await Worker(one, [])._stations[0]._reporting.report()
    assert await QueueNames(redis).list() == ("default", "other")
    # When another one is named after a long time
    await redis.zincrby(queue_names.KEY, -queue_names.REMEMBERED - 60, "other")
    await QueueNames(redis).add("third")
    # Then
    assert await QueueNames(redis).list() == ("default", "third")
