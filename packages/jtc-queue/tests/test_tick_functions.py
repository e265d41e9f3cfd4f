from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jtc.queue import (
    Exponential,
    RedisQueue,
    Scheduler,
    TaskFunction,
    TickRecord,
    background,
)
from jtc.queue.definition import member_of
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]


async def run(ticking: Any, task: Any, minute: float = 0) -> None:
    """Fire a task and run its job, as often as there are tries."""
    await ticking.fire(task, minute)
    worker = ticking.worker(task)
    while await worker.process():
        pass


# -- the payload and how it runs -------------------------------------------------------


async def test_the_payload_comes_as_keyword_arguments(ticking: Any) -> None:
    given: list[Any] = []

    async def report(ctx: dict[str, Any], region: str, *, top: int = 3) -> None:
        given.append((region, top))

    task = ticking.task(report, payload={"region": "north", "top": 5})
    await run(ticking, task)
    assert given == [("north", 5)]


async def test_a_job_runs_as_its_task_says(ticking: Any) -> None:
    task = ticking.task(timeout=12.5, tries=4, backoff=[1, 5])
    await ticking.fire(task)
    (job,) = await ticking.waiting()
    assert (job.timeout, job.retries, job.retry_delay) == (13, 4, 0)
    assert job.meta["jtc_retry"] == {"backoff": [1, 5]}
    assert job.meta["tick"]["name"] == "report"


async def test_a_growing_backoff_is_taken_along(ticking: Any) -> None:
    await ticking.fire(ticking.task(tries=4, backoff=Exponential(2)))
    (job,) = await ticking.waiting()
    assert job.meta["jtc_retry"]["backoff"]["base"] == 2


# -- when and skip ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"when": lambda: True}, "ran"),
        ({"when": lambda: False}, "skipped:when"),
        ({"when": lambda: 0}, "skipped:when"),
        ({"skip": lambda: True}, "skipped:skip"),
        ({"skip": lambda: False}, "ran"),
        ({"when": lambda: True, "skip": lambda: True}, "skipped:skip"),
    ],
)
async def test_conditions_are_asked_before_the_function(
    ticking: Any, options: dict[str, Any], outcome: str
) -> None:
    ran: list[str] = []

    async def note(ctx: dict[str, Any]) -> None:
        ran.append("yes")

    await run(ticking, ticking.task(note, **options))
    assert await ticking.outcomes() == [(outcome, 1)]
    assert ran == (["yes"] if outcome == "ran" else [])


async def test_a_condition_may_ask_for_the_nominal_time_and_be_async(
    ticking: Any,
) -> None:
    asked: list[datetime] = []

    async def when(nominal: datetime) -> bool:
        asked.append(nominal)
        return True

    task = ticking.task(when=when)
    await run(ticking, task)
    assert asked == [datetime.fromtimestamp(ticking.start, tz=UTC)]


async def test_the_nominal_time_is_in_the_zone_of_the_task(ticking: Any) -> None:
    asked: list[datetime] = []

    def when(nominal: datetime) -> bool:
        asked.append(nominal)
        return True

    task = ticking.task(when=when, timezone="Asia/Tokyo", between=("18:00", "19:00"))
    await run(ticking, task)
    assert [(one.hour, one.tzinfo) for one in asked] == [(18, ZoneInfo("Asia/Tokyo"))]


async def test_a_blocking_condition_is_asked_in_a_thread(ticking: Any) -> None:
    threads: list[threading.Thread] = []

    def when() -> bool:
        threads.append(threading.current_thread())
        return True

    await run(ticking, ticking.task(when=when))
    assert threads[0] is not threading.main_thread()


async def test_conditions_are_asked_once_however_many_tries_there_are(
    ticking: Any,
) -> None:
    asked: list[str] = []

    def when() -> bool:
        asked.append("when")
        return len(asked) == 1

    async def boom(ctx: dict[str, Any]) -> None:
        raise ValueError

    await run(ticking, ticking.task(boom, when=when, tries=3))
    (record,) = await ticking.records()
    assert (record.outcome, record.attempts, asked) == ("ran", 3, ["when"])


@pytest.mark.parametrize("raised", [ValueError("no table"), SystemExit("no table")])
async def test_a_condition_that_fails_skips_the_tick(
    ticking: Any, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    def when() -> bool:
        raise raised

    await run(ticking, ticking.task(when=when, tries=3))
    (record,) = await ticking.records()
    assert record.outcome == "skipped:when"
    assert record.error == f"{type(raised).__name__}: no table"
    assert "when of task report failed; the tick is skipped." in caplog.text


async def test_a_skipped_tick_is_no_failure(
    ticking: Any, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await run(ticking, ticking.task(when=lambda: False))
    assert await ticking.redis.zcard(queue.keys.failed) == 0
    assert "when of the task was against it" in caplog.text
    assert not [r for r in caplog.records if r.levelno > logging.INFO]


async def test_a_manual_run_is_not_asked_for(ticking: Any, queue: RedisQueue) -> None:
    task = ticking.task(when=lambda: False, run_on_start=True)
    await Scheduler(queue, [task]).sync()
    await ticking.worker(task).process()
    assert await ticking.outcomes() == [("manual", 1)]


# -- hooks -----------------------------------------------------------------------------


async def test_on_success_is_called_after_a_run(ticking: Any) -> None:
    called: list[Any] = []
    task = ticking.task(on_success=lambda ctx: called.append(ctx["tick"].name))
    await run(ticking, task)
    assert called == ["report"]


async def test_on_failure_is_called_after_the_last_attempt(ticking: Any) -> None:
    called: list[tuple[int, str]] = []

    async def boom(ctx: dict[str, Any]) -> None:
        raise ValueError("no figures")

    async def on_failure(ctx: dict[str, Any], error: Exception) -> None:
        called.append((ctx["job"].attempts, str(error)))

    await run(ticking, ticking.task(boom, tries=2, on_failure=on_failure))
    assert called == [(2, "no figures")]


async def test_on_failure_is_called_when_the_time_is_up(ticking: Any) -> None:
    called: list[str] = []

    async def hang(ctx: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    def on_failure(ctx: dict[str, Any], error: Exception) -> None:
        called.append(type(error).__name__)

    await run(ticking, ticking.task(hang, timeout=1, on_failure=on_failure))
    assert called == ["JobTimeout"]


async def test_a_hook_that_fails_does_not_undo_the_run(
    ticking: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def on_success(ctx: dict[str, Any]) -> None:
        raise SystemExit("oops")

    await run(ticking, ticking.task(on_success=on_success, tries=3))
    (record,) = await ticking.records()
    assert (record.outcome, record.error, record.attempts) == ("ran", None, 1)
    assert "A hook of task report failed." in caplog.text


async def test_a_hook_that_outlasts_the_timeout_does_not_undo_the_run(
    ticking: Any,
) -> None:
    async def on_success(ctx: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    await run(ticking, ticking.task(on_success=on_success, timeout=1, tries=3))
    (record,) = await ticking.records()
    assert (record.outcome, record.error, record.attempts) == ("ran", None, 1)


async def test_on_skipped_is_called_for_a_condition(ticking: Any) -> None:
    told: list[TickRecord] = []
    task = ticking.task(skip=lambda: True, on_skipped=told.append)
    await run(ticking, task)
    (record,) = await ticking.records()
    (one,) = told
    assert (one.outcome, one.tick, one.job) == (
        record.outcome,
        record.tick,
        record.job,
    )
    assert abs(one.at - record.at).total_seconds() < 60


async def miss(ticking: Any, queue: RedisQueue, task: Any) -> Scheduler:
    """Let a scheduler find that nobody was there for the last tick of a task."""
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    await ticking.redis.zadd(queue.keys.due, {member_of(task): ticking.start})
    await scheduler.step()
    return scheduler


def ended(ticking: Any, **options: Any) -> Any:
    """A task whose last tick was long ago."""
    end = datetime.fromtimestamp(ticking.start + 60, tz=UTC)
    return ticking.task(ends_at=end, **options)


async def test_on_missed_is_told_what_was_missed(
    ticking: Any, queue: RedisQueue, eventually: Eventually
) -> None:
    told: list[TickRecord] = []
    task = ended(ticking, on_missed=told.append)
    await miss(ticking, queue, task)
    await eventually(lambda: told)
    (record,) = await ticking.records()
    assert (told[0].outcome, told[0].count) == (record.outcome, record.count)
    assert (record.outcome, record.count) == ("missed:catchup_window", 2)


async def test_neither_a_slow_nor_a_failing_hook_delays_a_tick(
    ticking: Any, queue: RedisQueue, eventually: Eventually, monkeypatch: Any
) -> None:
    # Given a hook that does not end, and one that fails
    began: list[str] = []

    async def slow(record: TickRecord) -> None:
        began.append("slow")
        await asyncio.Event().wait()

    def failing(record: TickRecord) -> None:
        began.append("failing")
        raise ValueError

    # When their ticks are missed
    monkeypatch.setattr(background, "PATIENCE", 0.1)
    for name, hook in (("slow", slow), ("failing", failing)):
        scheduler = await miss(
            ticking, queue, ended(ticking, name=name, on_missed=hook)
        )
        # Then the scheduler goes on, and ends
        assert await scheduler.step() > 0
        await eventually(lambda name=name: name in began)
        await scheduler.close()
    assert await ticking.outcomes("slow") == [("missed:catchup_window", 2)]


async def test_a_hook_of_a_thread_that_hangs_does_not_keep_a_worker_from_ending(
    ticking: Any, queue: RedisQueue, eventually: Eventually, monkeypatch: Any
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def hang(record: TickRecord) -> None:
        began.set()
        go_on.wait(60)

    monkeypatch.setattr(background, "PATIENCE", 0.1)
    scheduler = await miss(ticking, queue, ended(ticking, on_missed=hang))
    await eventually(began.is_set)
    before = time.monotonic()
    await scheduler.close()
    assert time.monotonic() - before < 30
    go_on.set()


async def test_a_task_function_runs_without_a_worker() -> None:
    called: list[Any] = []

    async def boom(ctx: dict[str, Any], text: str) -> None:
        raise ValueError(text)

    task = ScheduledTask(
        boom,
        60,
        when=lambda: False,
        payload={"text": "no"},
        on_failure=lambda ctx, error: called.append(error),
    )
    with pytest.raises(ValueError, match="no"):
        await TaskFunction(task)({}, text="no")
    assert len(called) == 1
