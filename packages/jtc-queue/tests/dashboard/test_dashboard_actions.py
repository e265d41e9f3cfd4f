from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from jtc.queue import (
    FailedJobs,
    QueueControl,
    QueueMonitor,
    RedisQueue,
    Schedules,
    Worker,
)

Working = Callable[[Worker], contextlib.AbstractAsyncContextManager[Worker]]


async def test_a_queue_is_paused_with_a_note_and_resumed(
    queue: RedisQueue, browser: Any
) -> None:
    fields = {"queue": "default", "for": "3600", "note": "the bank is down"}
    assert await browser.act("/queue/pause", **fields) == (
        "good: Paused queue default for an hour."
    )
    paused = (await QueueMonitor(queue).stats()).paused
    assert paused
    assert paused.note == "the bank is down"
    assert paused.until
    assert round((paused.until - paused.at).total_seconds()) == 3600

    said = await browser.act("/queue/resume", queue="default")

    assert said == "good: Resumed queue default."
    assert (await QueueMonitor(queue).stats()).paused is None


async def test_a_pause_of_a_time_that_cannot_be_chosen_is_refused(
    queue: RedisQueue, browser: Any
) -> None:
    said = await browser.act("/queue/pause", **{"queue": "default", "for": "-1"})

    assert said.startswith("bad: '-1' is no time")
    assert (await QueueMonitor(queue).stats()).paused is None


async def test_a_queue_is_cleared_after_it_was_asked_for(
    queue: RedisQueue, browser: Any
) -> None:
    # Given
    await queue.enqueue("succeed")
    await queue.enqueue("succeed", scheduled=time.time() + 1000)

    # When
    asked = await browser.text("/queue/clear/confirm", queue="default")
    waiting = (await QueueMonitor(queue).stats()).queued
    said = await browser.act("/queue/clear", queue="default")

    # Then
    assert "cancels 2 job(s)" in asked
    assert waiting == 1
    assert said == "good: Canceled 2 job(s) of queue default."
    assert await QueueControl(queue).count_clearable() == 0


async def test_workers_are_asked_to_start_again(
    queue: RedisQueue, browser: Any, working: Working, eventually: Any
) -> None:
    async with working(Worker(queue, [("succeed", print)])):
        await eventually(lambda: _has_worker(queue))

        said = await browser.act("/queue/restart", queue="default")

    assert said.startswith("good: Asked 1 worker(s) of queue default")
    assert await queue.redis.exists(queue.keys.restart)


async def test_a_job_that_waits_is_canceled(queue: RedisQueue, browser: Any) -> None:
    await queue.enqueue("succeed", key="order/7")

    said = await browser.act("/job/cancel", queue="default", id="order/7")

    assert said == "good: Canceled job order/7."
    record = await QueueMonitor(queue).job("order/7")
    assert record
    assert record.state == "aborted"
    again = await browser.act("/job/cancel", queue="default", id="order/7")
    assert again == "bad: Job order/7 has ended already."


async def test_a_job_that_runs_is_stopped(
    queue: RedisQueue, browser: Any, working: Working, eventually: Any
) -> None:
    started = asyncio.Event()

    async def wait(ctx: dict[str, Any]) -> None:
        started.set()
        await asyncio.sleep(600)

    async with working(Worker(queue, [("wait", wait)])):
        await queue.enqueue("wait", key="long", timeout=0)
        await started.wait()
        await browser.act("/job/cancel", queue="default", id="long")

        async def is_stopped() -> bool:
            record = await QueueMonitor(queue).job("long")
            return record is not None and record.state == "aborted"

        await eventually(is_stopped)


async def test_a_failed_job_is_retried_and_another_is_forgotten(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a")
    await queue.enqueue("fail", key="b")
    await run_all()

    # When
    retried = await browser.act("/job/retry", queue="default", id="a")
    forgotten = await browser.act("/job/forget", queue="default", id="b")

    # Then
    assert retried == "good: Put job a back at the end of the queue."
    assert forgotten == "good: Forgot job b."
    assert await FailedJobs(queue).count() == 0
    assert (await QueueMonitor(queue).stats()).queued == 1
    again = await browser.act("/job/retry", queue="default", id="a")
    assert again.startswith("bad: Could not put job a back")


@pytest.mark.parametrize(("path", "queued"), [("retry", 2), ("forget", 0)])
async def test_failed_jobs_that_are_ticked_are_retried_or_forgotten(
    queue: RedisQueue, browser: Any, run_all: Any, path: str, queued: int
) -> None:
    # Given
    for key in "abc":
        await queue.enqueue("fail", key=key)
    await run_all()

    # When
    ticked = {"queue": "default", "what": "selected", "id": ["a", "b"]}
    said = await browser.act(f"/failed/{path}", **ticked)

    # Then
    assert "2 of 2 failed job(s)" in said
    assert [job.id for job in await FailedJobs(queue).list()] == ["c"]
    assert (await QueueMonitor(queue).stats()).queued == queued


@pytest.mark.parametrize("path", ["retry", "forget"])
async def test_failed_jobs_that_were_searched_for_are_retried_or_forgotten(
    queue: RedisQueue, browser: Any, run_all: Any, path: str
) -> None:
    # Given
    for number in range(60):
        why = "the bank is down" if number % 2 else "no such order"
        await queue.enqueue("fail", key=f"job-{number}", why=why)
    await run_all()
    chosen = {"what": "matching", "text": "bank", "queue": "default"}

    # When
    asked = await browser.text("/failed/confirm", do=path, **chosen)
    said = await browser.act(f"/failed/{path}", **chosen)

    # Then
    assert "30 failed job(s)?" in asked
    assert "30 failed job(s)" in said
    left = await FailedJobs(queue).list()
    assert len(left) == 30
    assert {job.message for job in left} == {"no such order"}


async def test_a_group_of_failed_jobs_is_retried(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    # Given
    await queue.enqueue("fail", key="a")
    await queue.enqueue("nobody-knows-it", key="b", meta={"unresolvable_since": 1})
    await run_all()
    group = {"what": "matching", "group_name": "fail", "group_exception": "ValueError"}

    # When
    asked = await browser.text("/failed/confirm", do="retry", **group)
    said = await browser.act("/failed/retry", queue="default", **group)

    # Then
    assert "1 failed job(s)?" in asked
    assert said == "good: Put back 1 failed job(s)."
    assert "a" not in [job.id for job in await FailedJobs(queue).list()]


async def test_to_forget_what_is_ticked_is_asked_first(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="a")
    await run_all()

    asked = await browser.send(
        "/failed/confirm", do="forget", what="selected", id=["a"], queue="default"
    )

    assert asked.status_code == 200
    assert "Forget 1 failed job(s)?" in asked.text
    assert '<input type="hidden" name="id" value="a">' in asked.text
    assert await FailedJobs(queue).count() == 1


async def test_nothing_is_done_when_nothing_is_ticked(
    queue: RedisQueue, browser: Any, run_all: Any
) -> None:
    await queue.enqueue("fail", key="a")
    await run_all()

    said = await browser.act("/failed/forget", what="selected", queue="default")

    assert said.startswith("bad: Nothing was done")
    assert await FailedJobs(queue).count() == 1


async def test_a_schedule_is_paused_triggered_and_resumed(
    queue: RedisQueue, browser: Any
) -> None:
    # Given
    schedules = Schedules(queue, ())
    await schedules.add("daily", every=3600, job="shop.Pay")
    where = {"queue": "default", "name": "daily"}

    # When
    paused = await browser.act(
        "/schedule/pause", **where, **{"for": "900", "note": "x"}
    )
    status = await schedules.get("daily")
    triggered = await browser.act("/schedule/trigger", **where)
    resumed = await browser.act("/schedule/resume", **where)

    # Then
    assert paused == "good: Paused schedule daily for 15 minutes."
    assert status
    assert status.paused
    assert status.paused.until
    assert triggered.startswith("good: Schedule daily runs now, as job daily@manual-")
    assert resumed == "good: Resumed schedule daily."
    assert (await QueueMonitor(queue).stats()).queued == 1


async def test_a_schedule_that_is_not_there_is_said_to_be_missing(
    browser: Any,
) -> None:
    said = await browser.act("/schedule/pause", queue="default", name="nobody")

    assert said.startswith("bad: Queue 'default' has no schedule 'nobody'")


async def test_what_an_action_came_to_is_said_once(browser: Any) -> None:
    await browser.act("/queue/resume", queue="default")

    assert "was not paused" not in (await browser.get("/")).text


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/jobs?state=running", "/jobs?state=running"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\tevil", "/"),
        ("", "/"),
    ],
)
async def test_an_action_leads_back_to_a_page_of_the_dashboard(
    browser: Any, back: str, to: str
) -> None:
    response = await browser.send("/queue/resume", queue="default", back=back)

    assert response.headers["location"] == to


async def test_what_an_action_came_to_fits_into_a_cookie(browser: Any) -> None:
    for sign in ("\N{GRINNING FACE}", "\N{CJK UNIFIED IDEOGRAPH-4E00}", "\x01"):
        response = await browser.send("/job/cancel", queue="default", id=sign * 2000)

        assert len(response.headers["set-cookie"].partition(";")[0]) < 4096


async def test_an_action_is_logged_with_who_did_it_to_what(
    queue: RedisQueue, browser: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await queue.enqueue("succeed", key="order-7")

    with caplog.at_level(logging.INFO, logger="jtc.dashboard"):
        await browser.act("/job/cancel", queue="default", id="order-7")

    records = [
        record.__dict__
        for record in caplog.records
        if getattr(record, "action", "") == "dashboard_action"
    ]
    assert [(one["user"], one["what"], one["on"]) for one in records] == [
        ("local", "cancel_job", "order-7")
    ]


async def _has_worker(queue: RedisQueue) -> bool:
    return bool((await QueueMonitor(queue).stats()).workers)
