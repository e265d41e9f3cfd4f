from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import saq

from jtc.queue import (
    JobMoment,
    JobRecord,
    QueueMonitor,
    RedisQueue,
    Release,
    Retry,
    Worker,
    endings,
)
from jtc.queue.claims import Claims
from jtc.queue.flow import Flow
from jtc.queue.flows import Flows

Eventually = Callable[..., Awaitable[Any]]


async def job_of(queue: RedisQueue, key: str) -> JobRecord:
    record = await QueueMonitor(queue).job(key)
    assert record is not None
    return record


async def story_of(queue: RedisQueue, key: str) -> list[tuple[str, str]]:
    return [(one.what, one.detail) for one in (await job_of(queue, key)).timeline]


async def run_once(queue: RedisQueue, function: Any) -> None:
    await Worker(queue, [("f", function)], burst=True, id="w1").start()


async def echo(ctx: dict[str, Any]) -> str:
    return "done"


async def test_a_job_that_waits_was_queued(queue: RedisQueue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await queue.enqueue("f", key="one")
    job = await job_of(queue, "one")
    assert job.timeline == (JobMoment(job.queued_at, "queued"),)
    assert job.queued_at is not None
    assert job.queued_at > before


async def test_a_job_that_completed_was_begun_by_a_worker(queue: RedisQueue) -> None:
    await queue.enqueue("f", key="one", retries=3)
    await run_once(queue, echo)
    job = await job_of(queue, "one")
    assert job.timeline == (
        JobMoment(job.queued_at, "queued"),
        JobMoment(job.started_at, "started", "attempt 1 of 3 by w1"),
        JobMoment(job.ended_at, "complete"),
    )


async def test_a_job_that_runs_has_not_ended(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async def run(ctx: dict[str, Any]) -> None:
        await release.wait()

    async def is_begun() -> bool:
        return (await job_of(queue, "one")).started_at is not None

    release = asyncio.Event()
    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", run)], id="w1")):
        await eventually(is_begun)
        story = await story_of(queue, "one")
        release.set()
    assert story == [("queued", ""), ("started", "attempt 1 of 1 by w1")]


async def test_a_job_that_failed_says_with_what(queue: RedisQueue) -> None:
    async def refuse(ctx: dict[str, Any]) -> None:
        raise ValueError("no luck")

    await queue.enqueue("f", key="one", retries=2)
    await run_once(queue, refuse)
    assert await story_of(queue, "one") == [
        ("queued", ""),
        ("retried", "once"),
        ("started", "attempt 2 of 2 by w1"),
        ("failed", "no luck"),
    ]


async def test_a_delayed_job_says_when_it_is_due(queue: RedisQueue) -> None:
    job = saq.Job("f", key="one", meta={"delay": 600})
    await queue.put(job)
    record = await job_of(queue, "one")
    _, due = record.timeline
    assert due.what == "due"
    assert due.at is not None
    assert record.due_at is not None
    assert abs(due.at - record.due_at) < timedelta(seconds=5)


async def test_a_retry_that_waits_says_when_and_why(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async def again(ctx: dict[str, Any]) -> None:
        raise Retry("the bank is closed", after=900)

    async def is_delayed() -> bool:
        return (await job_of(queue, "one")).state == "delayed"

    await queue.enqueue("f", key="one", retries=3)
    async with working(Worker(queue, [("f", again)])):
        await eventually(is_delayed)
    job = await job_of(queue, "one")
    queued, retried, due = job.timeline
    assert queued.what == "queued"
    assert (retried.what, retried.at is not None) == ("retried", True)
    assert retried.detail.startswith("once, at last: ")
    assert "the bank is closed" in retried.detail
    assert due == JobMoment(job.due_at, "due", "try 2")


async def test_a_job_that_is_put_off_says_how_often_and_why(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async def wait(ctx: dict[str, Any]) -> None:
        raise Release("no slot is free", after=900)

    async def is_delayed() -> bool:
        return (await job_of(queue, "one")).state == "delayed"

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", wait)])):
        await eventually(is_delayed)
    queued, put_off, *_ = await story_of(queue, "one")
    assert queued == ("queued", "")
    assert put_off == ("put off", "once: no slot is free")


@pytest.mark.parametrize(("kills", "words"), [(1, "a worker"), (2, "2 workers")])
async def test_a_job_whose_workers_died_says_so(
    queue: RedisQueue, kills: int, words: str
) -> None:
    await queue.enqueue("f", key="one")
    for _ in range(kills):
        (job,) = (await Claims(queue, "w1").take(1)).jobs
        assert await queue.settle(endings.lost(job))
    assert await story_of(queue, "one") == [
        ("queued", ""),
        ("recovered", f"{words} died while running it"),
    ]


async def test_a_job_that_no_worker_knows_says_so(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async def is_delayed() -> bool:
        return (await job_of(queue, "one")).state == "delayed"

    await queue.enqueue("unknown", key="one")
    async with working(Worker(queue, [("f", echo)])):
        await eventually(is_delayed)
    moments = {one.what: one for one in (await job_of(queue, "one")).timeline}
    waits = moments["waits for a worker that knows it"]
    assert "unknown" in waits.detail
    assert waits.at is not None


async def test_a_job_that_was_canceled_says_why(queue: RedisQueue) -> None:
    await queue.enqueue("f", key="waits")
    await queue.enqueue("f", key="runs")
    await queue.cancel("waits", reason="not needed")
    await Claims(queue, "w1").take(5)
    await queue.cancel("runs", reason="not needed either")
    assert await story_of(queue, "waits") == [
        ("queued", ""),
        ("aborted", "not needed"),
    ]
    assert await story_of(queue, "runs") == [
        ("queued", ""),
        ("to be stopped", "not needed either"),
    ]


async def test_what_the_owner_of_a_job_says_in_its_meta_is_no_part_of_its_story(
    queue: RedisQueue,
) -> None:
    meta = {"kills": "many", "released": "yes", "delay": "long"}
    await queue.enqueue("f", key="one", meta=meta)
    assert await story_of(queue, "one") == [("queued", "")]


async def test_a_job_says_in_which_flow_it_is_and_what_is_unique_about_it(
    queue: RedisQueue,
) -> None:
    flow = Flow("chain", [saq.Job("f"), saq.Job("f")])
    await Flows(queue).start(flow)
    unique = {"key": "orders:7", "until": "finish", "ttl": 60}
    await queue.put(saq.Job("f", key="alone", meta={"unique": unique}))
    member, alone = await job_of(queue, f"{flow.id}.0"), await job_of(queue, "alone")
    assert (member.flow, member.unique) == (flow.id, None)
    assert (alone.flow, alone.unique) == (None, "orders:7")
