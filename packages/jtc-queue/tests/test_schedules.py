from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.queue import (
    InvalidPause,
    RedisQueue,
    ScheduleNotFound,
    Scheduler,
    Schedules,
    Settings,
    Target,
)
from jtc.queue.definition import member_of
from jtc.schedule import InvalidTask, InvalidTaskOption, ScheduledTask, ScheduleRegistry

HOUR = 3600


async def run(ctx: dict[str, Any], **payload: Any) -> None:
    """Do nothing."""


def a_task(name: str = "report", every: int = HOUR, **options: Any) -> ScheduledTask:
    return ScheduledTask(run, every, name, f"About {name}", **options)


@pytest.fixture
async def report(queue: RedisQueue) -> ScheduledTask:
    """A task whose newest tick was seconds ago and whose next is years away.

    No test can then straddle a tick by being slow.
    """
    return a_task(every=(int(await server_now(queue)) - 2) // 12 * 2)


@pytest.fixture
async def schedules(queue: RedisQueue, report: ScheduledTask) -> Schedules:
    """As a process without code sees them, once a worker has named the task."""
    await Scheduler(queue, [report]).sync()
    return Schedules(queue, tasks=[])


async def server_now(queue: RedisQueue) -> float:
    redis: Any = queue.redis
    second, micros = await redis.time()
    return float(second + micros / 1e6)


async def jobs_in(queue: RedisQueue) -> list[Any]:
    redis: Any = queue.redis
    ids = await redis.lrange(queue.keys.queued, 0, -1)
    keys = [queue.job_key_from_id(i.decode()) for i in ids]
    return [job for job in await queue.jobs(keys) if job] if keys else []


async def make_due(queue: RedisQueue, task: ScheduledTask) -> int:
    """Make a task due at its newest tick; return that."""
    redis: Any = queue.redis
    assert isinstance(task.schedule, int)
    due = int(await server_now(queue)) // task.schedule * task.schedule
    await redis.zadd(queue.keys.due, {member_of(task): due})
    return due


# -- looking ---------------------------------------------------------------------------


async def test_a_process_without_code_sees_what_workers_have(
    redis: Any, queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    found = await schedules.get("report")
    assert found is not None
    due = await redis.zscore(queue.keys.due, member_of(report))
    assert due is not None
    assert (found.name, found.schedule) == ("report", report.schedule)
    assert (found.description, found.queue) == ("About report", "default")
    assert (found.target, found.in_code) == (Target("task", "report"), True)
    assert found.next_due == datetime.fromtimestamp(due, tz=UTC)
    assert (found.last, found.paused, found.enabled) == (None, None, True)
    assert await schedules.list() == [found]


async def test_a_process_with_code_sees_tasks_that_no_worker_has_named(
    redis: Any,
    queue: RedisQueue,
) -> None:
    tasks = [
        a_task("b", timezone="UTC", days="weekdays"),
        a_task("a", enabled=False),
        a_task("here", queue="default"),
        a_task("elsewhere", queue="mail"),
    ]
    found = await Schedules(queue, tasks).list()
    assert [one.name for one in found] == ["a", "b", "here"]
    assert [one.enabled for one in found] == [False, True, True]
    assert found[0].next_due is None
    now = await server_now(queue)
    due = found[1].next_due
    assert due is not None
    assert due.timestamp() % HOUR == 0
    assert now - 60 < due.timestamp() <= now + HOUR
    assert await redis.keys("*") == []


async def test_the_tasks_of_the_registry_are_known_unless_others_are_given(
    queue: RedisQueue,
) -> None:
    with ScheduleRegistry.scoped() as registry:
        schedules = Schedules(queue)
        registry.register(a_task("later"))
        assert [one.name for one in await schedules.list()] == ["later"]
        assert await Schedules(queue, tasks=[]).list() == []


async def test_a_task_without_a_zone_is_read_in_that_of_the_settings(
    queue: RedisQueue,
) -> None:
    task = ScheduledTask(run, "0 9 * * *", "report")
    schedules = Schedules(queue, [task], settings=Settings(timezone="Asia/Tokyo"))
    (first,) = await schedules.next_runs("report", count=1)
    assert first.hour == 0
    status = await schedules.get("report")
    assert status is not None
    assert status.timezone == "Asia/Tokyo"


async def test_what_workers_fire_by_counts_not_what_is_known_here(
    queue: RedisQueue, report: ScheduledTask
) -> None:
    # Given a worker that has the task as every hour, and here it was changed already
    await Scheduler(queue, [report]).sync()
    here = Schedules(queue, [a_task(every=60, exclude=[lambda _: True])])
    # Then
    status = await here.get("report")
    assert status is not None
    assert status.schedule == report.schedule
    assert len(await here.next_runs("report")) == 5


async def test_code_that_is_the_same_here_is_asked(
    queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    assert isinstance(report.schedule, int)
    same = a_task(every=report.schedule, exclude=[lambda _: True])
    here = Schedules(queue, [same])
    assert await here.next_runs("report") == []
    assert len(await schedules.next_runs("report")) == 5


async def test_a_schedule_that_there_is_not_is_none(schedules: Schedules) -> None:
    assert await schedules.get("reprot") is None


PAST = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("pause", ()),
        ("resume", ()),
        ("trigger", ()),
        ("history", ()),
        ("next_runs", ()),
        ("backfill", PAST),
        ("update", ()),
    ],
)
async def test_an_unknown_name_is_told_with_what_is_near(
    redis: Any, queue: RedisQueue, schedules: Schedules, method: str, args: Any
) -> None:
    with pytest.raises(ScheduleNotFound, match=r"'reprot'\. Did you mean 'report'"):
        await getattr(schedules, method)("reprot", *args)
    assert await redis.exists(queue.keys.paused, queue.keys.queued) == 0


async def test_an_unknown_name_is_told_in_which_queue_it_is(queue: RedisQueue) -> None:
    schedules = Schedules(queue, [a_task("letter", queue="mail")])
    with pytest.raises(ScheduleNotFound, match="scheduled in queue 'mail'"):
        await schedules.trigger("letter")


async def test_an_unknown_name_that_resembles_nothing_is_told_what_to_do(
    queue: RedisQueue,
) -> None:
    with pytest.raises(ScheduleNotFound, match=r"Schedules\(queue\).list\(\)"):
        await Schedules(queue, []).trigger("report")


async def test_next_runs_leave_out_what_a_condition_rules_out(
    queue: RedisQueue,
) -> None:
    settings = Settings(environment="staging")
    night = a_task("night", between=("22:00", "05:59"), environments="staging")
    schedules = Schedules(queue, [night], settings=settings)
    runs = await schedules.next_runs("night", count=20)
    assert len(runs) == 20
    assert {run.hour for run in runs} == {22, 23, 0, 1, 2, 3, 4, 5}
    assert await Schedules(queue, [night]).next_runs("night") == []


async def test_next_runs_end_with_the_schedule(redis: Any, queue: RedisQueue) -> None:
    now = datetime.now(UTC)
    tasks = [
        a_task("ends", ends_at=now + timedelta(hours=3)),
        a_task("counted", max_runs=3),
        a_task("off", enabled=False),
    ]
    await redis.hset(queue.keys.runs, "counted", 1)
    schedules = Schedules(queue, tasks)
    assert len(await schedules.next_runs("ends")) == 3
    assert len(await schedules.next_runs("counted")) == 2
    assert await schedules.next_runs("off") == []
    assert await schedules.next_runs("counted", count=0) == []
    await redis.hset(queue.keys.runs, "counted", 9)
    assert await schedules.next_runs("counted") == []


async def test_the_history_is_the_newest_first(
    redis: Any, queue: RedisQueue, schedules: Schedules
) -> None:
    assert await schedules.history("report") == []
    key = f"{queue.keys.history}report"
    for tick in (1, 2, 3):
        line = json.dumps({"tick": tick, "outcome": "ran", "at": tick + 1})
        await redis.lpush(key, line)
    await redis.lpush(key, "garbage")
    records = await schedules.history("report")
    assert [record.tick.timestamp() for record in records] == [3, 2, 1]
    assert len(await schedules.history("report", limit=2)) == 1
    assert await schedules.history("report", limit=0) == []


async def test_the_history_of_a_task_that_is_gone_can_be_read(
    redis: Any,
    queue: RedisQueue,
) -> None:
    line = json.dumps({"tick": 1, "outcome": "ran", "at": 2})
    await redis.lpush(f"{queue.keys.history}gone", line)
    assert len(await Schedules(queue, []).history("gone")) == 1


async def test_what_cannot_be_read_does_not_hide_the_others(
    redis: Any,
    queue: RedisQueue,
    schedules: Schedules,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await redis.hset(queue.keys.definitions, "newer", '{"in_code":true}')
    assert [one.name for one in await schedules.list()] == ["report"]
    assert "schedule 'newer' cannot be read" in caplog.text


# -- pausing ---------------------------------------------------------------------------


async def test_a_paused_schedule_fires_for_no_worker(
    queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    # Given
    await schedules.pause("report", note='moving "house" é')
    # When it is due, for a worker that was there before and for one that comes later
    due = await make_due(queue, report)
    for scheduler in (Scheduler(queue, [report]), Scheduler(queue, [report])):
        await scheduler.step()
        await scheduler.step()
    # Then
    assert await jobs_in(queue) == []
    (record,) = await schedules.history("report")
    assert (record.outcome, record.tick.timestamp()) == ("skipped:paused", due)
    status = await schedules.get("report")
    assert status is not None
    assert status.paused is not None
    assert status.paused.note == 'moving "house" é'
    assert status.paused.until is None
    assert abs(status.paused.at.timestamp() - await server_now(queue)) < 60
    assert status.last == record


async def test_a_resumed_schedule_fires_again(
    queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    await schedules.pause("report")
    assert await schedules.resume("report") is True
    assert await schedules.resume("report") is False
    await make_due(queue, report)
    scheduler = Scheduler(queue, [report])
    await scheduler.step()
    await scheduler.step()
    assert len(await jobs_in(queue)) == 1
    status = await schedules.get("report")
    assert status is not None
    assert status.paused is None


async def test_a_pause_that_is_over_is_none(
    redis: Any, queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    over = json.dumps({"at": 1, "note": "", "until": 2})
    await redis.hset(queue.keys.paused, "report", over)
    status = await schedules.get("report")
    assert status is not None
    assert status.paused is None
    assert await schedules.resume("report") is False
    assert await redis.hexists(queue.keys.paused, "report") is False


async def test_a_pause_may_have_an_end(schedules: Schedules) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    await schedules.pause("report", note="a")
    await schedules.pause("report", note="b", until=until)
    status = await schedules.get("report")
    assert status is not None
    assert status.paused is not None
    assert status.paused.note == "b"
    assert status.paused.until is not None
    assert abs(status.paused.until - until) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("until", "problem"),
    [
        (datetime(2099, 1, 1), "with a time zone"),  # noqa: DTZ001 - the point
        (datetime(2020, 1, 1, tzinfo=UTC), "a time to come"),
    ],
)
async def test_a_pause_until_nowhere_is_refused(
    redis: Any, queue: RedisQueue, schedules: Schedules, until: datetime, problem: str
) -> None:
    with pytest.raises(InvalidPause, match=problem):
        await schedules.pause("report", until=until)
    assert await redis.exists(queue.keys.paused) == 0


async def test_a_task_can_be_paused_before_a_worker_has_named_it(
    queue: RedisQueue, report: ScheduledTask
) -> None:
    schedules = Schedules(queue, [report])
    await schedules.pause("report")
    await Scheduler(queue, [report]).sync()
    status = await schedules.get("report")
    assert status is not None
    assert status.paused is not None
    assert await schedules.resume("report") is True


async def test_of_many_that_resume_one_is_told_it_was_paused(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.pause("report")
    others = [Schedules(queue, []) for _ in range(10)]
    assert sum(await asyncio.gather(*(s.resume("report") for s in others))) == 1


# -- triggering ------------------------------------------------------------------------


@pytest.mark.parametrize("has_code", [True, False])
async def test_a_manual_run_is_a_job_like_a_tick_of_its_schedule(
    queue: RedisQueue, has_code: bool
) -> None:
    # Given
    task = a_task(
        timeout=7.5, tries=3, backoff=(1, 5), payload={"region": "eu"}, overlap="skip"
    )
    await Scheduler(queue, [task]).sync()
    before = await server_now(queue)
    # When
    key = await Schedules(queue, [task] if has_code else []).trigger("report")
    # Then
    (job,) = await jobs_in(queue)
    assert job.key == key
    assert key.startswith("report@manual-")
    assert (job.function, job.kwargs) == ("task:report", {"region": "eu"})
    assert (job.timeout, job.retries) == (8, 3)
    assert job.meta["jtc_retry"] == {"backoff": [1, 5]}
    tick = job.meta["tick"]
    assert (tick["name"], tick["kind"], tick["manual"]) == ("report", "manual", True)
    assert before - 0.01 <= tick["nominal"] <= await server_now(queue)


async def test_a_manual_run_takes_no_ticks_place(
    redis: Any, queue: RedisQueue, schedules: Schedules, report: ScheduledTask
) -> None:
    # Given
    keys = queue.keys
    due = await redis.zscore(keys.due, member_of(report))
    # When
    await schedules.trigger("report")
    await schedules.trigger("report")
    # Then both are there, and the schedule knows nothing of it
    assert len(await jobs_in(queue)) == 2
    assert await redis.zscore(keys.due, member_of(report)) == due
    assert await redis.exists(keys.last, keys.previous, keys.runs) == 0
    # And the next tick does not find it busy
    await make_due(queue, report)
    scheduler = Scheduler(queue, [report])
    await scheduler.step()
    await scheduler.step()
    assert len(await jobs_in(queue)) == 3


async def test_a_manual_run_may_be_given_another_payload(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.trigger("report", payload={"region": "us"})
    (job,) = await jobs_in(queue)
    assert job.kwargs == {"region": "us"}


async def test_a_payload_that_cannot_be_sent_is_refused(
    queue: RedisQueue, schedules: Schedules
) -> None:
    async def strict(ctx: dict[str, Any], *, size: int = 1) -> None: ...

    with pytest.raises(InvalidTaskOption, match="payload"):
        await schedules.trigger("report", payload={"when": datetime.now(UTC)})
    here = Schedules(queue, [ScheduledTask(strict, 60, "strict")])
    with pytest.raises(InvalidTask, match="size"):
        await here.trigger("strict", payload={"sise": 2})
    assert await jobs_in(queue) == []


async def test_a_paused_or_disabled_schedule_can_be_triggered(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.pause("report")
    await schedules.trigger("report")
    await Schedules(queue, [a_task("off", enabled=False)]).trigger("off")
    assert len(await jobs_in(queue)) == 2
