from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import (
    InvalidBackfill,
    RedisQueue,
    Schedules,
    Tick,
    Worker,
    task_function_name,
)
from jtc.queue.backfill_plan import BackfillPlan, plan_backfill
from jtc.queue.tick_job import tick_key
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]

START = datetime(2025, 3, 1, tzinfo=UTC)
LATER = datetime(2025, 4, 1, tzinfo=UTC)
FIVE_HOURS = [START + timedelta(hours=hour) for hour in range(5)]


async def run(ctx: dict[str, Any]) -> None:
    """Do nothing."""


def a_task(func: Any = run, every: int = 3600, **options: Any) -> ScheduledTask:
    return ScheduledTask(func, every, "report", **options)


def plan(
    task: ScheduledTask, start: datetime = START, end: datetime = FIVE_HOURS[4]
) -> BackfillPlan:
    return plan_backfill(task, start, end, now=LATER)


async def waiting(queue: RedisQueue) -> list[str]:
    redis: Any = queue.redis
    ids = await redis.lrange(queue.keys.queued, 0, -1)
    return [queue.job_key_from_id(job_id.decode()) for job_id in ids]


async def buffered(queue: RedisQueue) -> list[str]:
    redis: Any = queue.redis
    parts = await redis.lrange(f"{queue.keys.buffer}report", 0, -1)
    return [queue.job_key_from_id(job_id.decode()) for job_id in parts[::2]]


def keys_of(ticks: Any) -> list[str]:
    return [tick_key("report", tick) for tick in ticks]


# -- the plan, which is pure -----------------------------------------------------------


def test_the_first_time_belongs_to_the_range_and_the_last_does_not() -> None:
    assert plan(a_task()).runs == tuple(FIVE_HOURS[:4])
    one = timedelta(microseconds=1)
    assert plan(a_task(), START + one, FIVE_HOURS[4] + one).runs == (*FIVE_HOURS[1:],)


@given(st.lists(st.integers(0, 4 * 3600), max_size=6))
def test_however_a_range_is_cut_its_ticks_are_the_same(cuts: list[int]) -> None:
    task = a_task(every=840)
    times = sorted({0, 4 * 3600, *cuts})
    ends = [START + timedelta(seconds=second) for second in times]
    parts = [plan(task, *pair).runs for pair in pairwise(ends)]
    assert sum(parts, ()) == plan(task).runs


def test_ticks_outside_the_window_are_skipped() -> None:
    task = a_task(starts_at=FIVE_HOURS[1], ends_at=FIVE_HOURS[2])
    found = plan(task)
    assert found.runs == (FIVE_HOURS[1], FIVE_HOURS[2])
    assert [(one.first, one.count, one.outcome) for one in found.skipped] == [
        (START, 1, "skipped:outside_window"),
        (FIVE_HOURS[3], 1, "skipped:outside_window"),
    ]


def test_ticks_that_a_condition_rules_out_are_skipped_as_a_stretch() -> None:
    found = plan(a_task(between=("02:00", "22:00")))
    assert found.runs == tuple(FIVE_HOURS[2:4])
    (stretch,) = found.skipped
    assert (stretch.first, stretch.last, stretch.count) == (START, FIVE_HOURS[1], 2)
    assert stretch.outcome == "skipped:between"


def test_what_is_still_to_come_is_left_to_its_time() -> None:
    found = plan_backfill(a_task(), START, LATER, now=FIVE_HOURS[2])
    assert found.runs == tuple(FIVE_HOURS[:2])
    assert plan_backfill(a_task(), START, LATER, now=START).runs == ()


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (START, START, "nothing is between"),
        (LATER, START, "nothing is between"),
        (START.replace(tzinfo=None), LATER, "no time zone"),
        (START, LATER.replace(tzinfo=None), "no time zone"),
    ],
    ids=["empty", "backwards", "naive start", "naive end"],
)
def test_a_range_that_means_nothing_is_refused(
    start: datetime, end: datetime, problem: str
) -> None:
    with pytest.raises(InvalidBackfill, match=problem):
        plan(a_task(), start, end)


def test_a_range_of_ten_thousand_ticks_is_the_most() -> None:
    end = START + timedelta(seconds=10_000)
    assert len(plan(a_task(every=1), START, end).runs) == 10_000
    with pytest.raises(InvalidBackfill, match="more than 10,000 ticks"):
        plan(a_task(every=1), START, end + timedelta(seconds=1))


# -- doing it --------------------------------------------------------------------------


async def test_ticks_wait_for_the_one_before(queue: RedisQueue) -> None:
    schedules = Schedules(queue, [a_task()])
    assert await schedules.backfill("report", START, LATER) != []
    assert await waiting(queue) == keys_of(FIVE_HOURS[:1])
    assert (await buffered(queue))[:4] == keys_of(FIVE_HOURS[1:])


async def test_ticks_that_may_overlap_are_all_queued(queue: RedisQueue) -> None:
    schedules = Schedules(queue, [a_task(overlap="allow")])
    ticks = await schedules.backfill("report", START, FIVE_HOURS[4])
    assert ticks == FIVE_HOURS[:4]
    assert await waiting(queue) == keys_of(ticks)
    assert await buffered(queue) == []


@pytest.mark.parametrize("overlap", ["skip", "allow"])
async def test_a_dry_run_says_what_would_run_and_changes_nothing(
    redis: Any, queue: RedisQueue, overlap: str
) -> None:
    task = a_task(overlap=overlap, between=("01:00", "23:00"))
    schedules = Schedules(queue, [task])
    ticks = await schedules.backfill("report", START, FIVE_HOURS[4], dry_run=True)
    assert ticks == FIVE_HOURS[1:4]
    assert await redis.keys("*") == []
    # And what already waits is not said to be run
    assert await schedules.backfill("report", START, FIVE_HOURS[3]) == FIVE_HOURS[1:3]
    ticks = await schedules.backfill("report", START, FIVE_HOURS[4], dry_run=True)
    assert ticks == FIVE_HOURS[3:4]


@pytest.mark.parametrize("overlap", ["skip", "allow"])
async def test_of_any_number_that_backfill_each_tick_is_there_once(
    queue: RedisQueue, overlap: str
) -> None:
    callers = [Schedules(queue, [a_task(overlap=overlap)]) for _ in range(5)]
    found = await asyncio.gather(
        *(one.backfill("report", START, FIVE_HOURS[4]) for one in callers)
    )
    assert sorted(tick for ticks in found for tick in ticks) == FIVE_HOURS[:4]
    assert [*await waiting(queue), *await buffered(queue)] == keys_of(FIVE_HOURS[:4])


async def test_more_ticks_than_one_call_carries_stay_in_order(
    queue: RedisQueue,
) -> None:
    schedules = Schedules(queue, [a_task(every=60)])
    end = START + timedelta(minutes=1234)
    ticks = await schedules.backfill("report", START, end)
    assert len(ticks) == 1234
    assert [*await waiting(queue), *await buffered(queue)] == keys_of(ticks)


async def test_a_backfill_takes_no_ticks_place(redis: Any, queue: RedisQueue) -> None:
    task = a_task(max_runs=2)
    schedules = Schedules(queue, [task])
    await schedules.backfill("report", START, FIVE_HOURS[4])
    keys = queue.keys
    assert await redis.exists(keys.due, keys.last, keys.runs) == 0
    assert len(await schedules.next_runs("report")) == 2


async def test_what_does_not_run_is_recorded(queue: RedisQueue) -> None:
    schedules = Schedules(queue, [a_task(starts_at=FIVE_HOURS[2], ends_at=LATER)])
    assert len(await schedules.backfill("report", START, FIVE_HOURS[4])) == 2
    (record,) = await schedules.history("report")
    assert (record.outcome, record.count) == ("skipped:outside_window", 2)
    assert (record.tick, record.until) == (START, FIVE_HOURS[1])
    # And a range in which nothing runs
    assert await schedules.backfill("report", START, FIVE_HOURS[2]) == []


async def test_a_backfill_waits_while_its_schedule_is_paused(
    queue: RedisQueue,
) -> None:
    schedules = Schedules(queue, [a_task(overlap="allow")])
    await schedules.pause("report")
    await schedules.backfill("report", START, FIVE_HOURS[4])
    assert await waiting(queue) == []
    await schedules.resume("report")
    assert await waiting(queue) == keys_of(FIVE_HOURS[:1])


async def test_workers_run_a_backfill_one_tick_after_the_other(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given a task that notes how many of it run at once
    ticks: list[Tick] = []
    running: list[int] = [0]
    at_once: set[int] = set()

    async def note(ctx: dict[str, Any]) -> None:
        running[0] += 1
        at_once.add(running[0])
        ticks.append(ctx["tick"])
        await asyncio.sleep(0.002)
        running[0] -= 1

    task = a_task(note)
    schedules = Schedules(queue, [task])
    # When
    await schedules.backfill("report", START, FIVE_HOURS[4])
    async with working(Worker(queue, [(task_function_name(task), note)])):
        await eventually(lambda: len(ticks) == 4)

        async def are_recorded() -> bool:
            return len(await schedules.history("report")) == 4

        await eventually(are_recorded)
    # Then each has run once, in order, alone, as caught up
    assert [tick.nominal for tick in ticks] == FIVE_HOURS[:4]
    assert at_once == {1}
    records = await schedules.history("report")
    assert [record.tick for record in records] == FIVE_HOURS[3::-1]
    assert {record.outcome for record in records} == {"caught_up"}
    # And can be run once more
    assert await schedules.backfill("report", START, FIVE_HOURS[1]) == [START]
