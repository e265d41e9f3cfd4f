from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.events import TickMissed, listen, unlisten
from jtc.queue import (
    InvalidSchedule,
    RedisQueue,
    Scheduler,
    Schedules,
    TickRecord,
    open_client,
)
from jtc.queue.background import close_backgrounds
from jtc.queue.definition import member_of
from jtc.queue.overdue import Overdue, OverdueWatch
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]
HOUR = 3600


async def run(ctx: dict[str, Any]) -> None:
    """Do nothing."""


def a_task(name: str = "report", **options: Any) -> ScheduledTask:
    """A task that is to succeed every hour."""
    return ScheduledTask(run, 60, name, **{"expect_within": HOUR, **options})


def watch(
    queue: RedisQueue, *tasks: ScheduledTask, environment: str | None = None
) -> OverdueWatch:
    return OverdueWatch(queue, tasks, environment=environment)


class Past:
    """Lets what a queue remembers be longer ago than it is."""

    def __init__(self, queue: RedisQueue) -> None:
        self._keys = queue.keys
        self._redis: Any = queue.redis

    async def now(self) -> float:
        seconds, micros = await self._redis.time()
        return float(seconds + micros / 1e6)

    async def expected(self, *, ago: float, name: str = "report") -> float:
        """Let a task have been known for so many seconds; return since when."""
        since = round(await self.now() - ago, 3)
        await self._redis.hset(self._keys.overdue, name, f"{since:.3f} -")
        return since

    async def succeeded(self, *, ago: float, name: str = "report") -> float:
        """Let a task have succeeded so many seconds ago; return when."""
        at = round(await self.now() - ago, 3)
        await self._redis.hset(self._keys.succeeded, name, f"{at:.3f}")
        return at

    async def ticked(self, *, ago: float, name: str = "report") -> int:
        """Let the last tick have been so many seconds ago; return its time."""
        tick = int(await self.now() - ago)
        await self._redis.hset(self._keys.last, name, f"{tick} 0123456789ab")
        return tick

    async def paused(self, name: str = "report") -> None:
        await self._redis.hset(self._keys.paused, name, '{"at": 1, "note": ""}')


@pytest.fixture
def past(queue: RedisQueue) -> Past:
    return Past(queue)


def names(found: Sequence[Overdue]) -> list[str]:
    return [one.record.name for one in found]


async def test_a_task_is_expected_from_when_it_is_first_scheduled(
    queue: RedisQueue, past: Past
) -> None:
    # Given a task that succeeded long ago, when nobody expected it to
    await past.succeeded(ago=100 * HOUR)
    one = watch(queue, a_task())
    # Then it has its time from now on
    assert await one.look() == []
    assert await one.look() == []


async def test_a_task_that_never_succeeded_is_overdue_after_its_time(
    queue: RedisQueue, past: Past
) -> None:
    since = await past.expected(ago=HOUR + 1)
    tick = await past.ticked(ago=30)
    task = a_task()
    (found,) = await watch(queue, task).look()
    assert found.task is task
    assert (found.since.timestamp(), found.within) == (since, HOUR)
    assert found.record.tick == datetime.fromtimestamp(tick, tz=UTC)
    assert (found.record.until, found.record.count) == (found.record.tick, 1)
    assert found.record.outcome == "missed:overdue"


async def test_a_task_that_succeeded_in_time_is_not_overdue(
    queue: RedisQueue, past: Past
) -> None:
    await past.expected(ago=100 * HOUR)
    await past.succeeded(ago=HOUR - 60)
    assert await watch(queue, a_task()).look() == []


async def test_without_a_tick_since_the_time_is_now(
    queue: RedisQueue, past: Past
) -> None:
    # Given a task that nobody fires
    await past.expected(ago=100 * HOUR)
    await past.ticked(ago=3 * HOUR)
    success = await past.succeeded(ago=2 * HOUR)
    (found,) = await watch(queue, a_task()).look()
    assert found.since.timestamp() == success
    assert abs(found.record.tick - found.record.at) < timedelta(seconds=2)


async def test_of_any_number_of_workers_one_finds_it_and_once(
    queue: RedisQueue, past: Past
) -> None:
    await past.expected(ago=2 * HOUR)
    watches = [watch(queue, a_task()) for _ in range(10)]
    found = []
    for _ in range(3):
        found += await asyncio.gather(*(one.look() for one in watches))
    assert [names(one) for one in found if one] == [["report"]]


async def test_it_is_found_again_after_another_success(
    queue: RedisQueue, past: Past
) -> None:
    await past.expected(ago=10 * HOUR)
    one = watch(queue, a_task())
    assert names(await one.look()) == ["report"]
    await past.succeeded(ago=60)
    assert await one.look() == []
    await past.succeeded(ago=HOUR + 60)
    assert names(await one.look()) == ["report"]
    assert await one.look() == []


async def test_a_paused_task_is_not_overdue_and_has_its_time_after_the_pause(
    queue: RedisQueue, past: Past
) -> None:
    # Given a task that is paused, and would be overdue
    await past.expected(ago=10 * HOUR)
    await past.paused()
    one = watch(queue, a_task())
    assert await one.look() == []
    # When it goes on
    await Schedules(queue, [a_task()]).resume("report")
    # Then it is not overdue at once
    assert await one.look() == []


async def test_a_pause_that_no_worker_saw_is_no_time_either(
    queue: RedisQueue, past: Past
) -> None:
    # Given workers that were away during the whole pause
    await past.expected(ago=10 * HOUR)
    await past.paused()
    assert await Schedules(queue, [a_task()]).resume("report")
    assert await watch(queue, a_task()).look() == []
    # And what was not paused cannot be put off like this
    await past.expected(ago=10 * HOUR)
    assert not await Schedules(queue, [a_task()]).resume("report")
    assert names(await watch(queue, a_task()).look()) == ["report"]


@pytest.mark.parametrize(
    ("options", "is_found"),
    [
        ({}, True),
        ({"starts_at": timedelta(hours=-2)}, True),
        ({"starts_at": timedelta(minutes=-30)}, False),
        ({"starts_at": timedelta(hours=2)}, False),
        ({"ends_at": timedelta(hours=2)}, True),
        ({"ends_at": timedelta(minutes=-1)}, False),
        ({"max_runs": 6}, True),
        ({"max_runs": 5}, False),
        ({"environments": "staging"}, True),
        ({"environments": ["production"]}, False),
        ({"expect_within": None}, False),
    ],
)
async def test_only_what_could_have_succeeded_is_overdue(
    queue: RedisQueue, past: Past, options: dict[str, Any], is_found: bool
) -> None:
    redis: Any = queue.redis
    now = datetime.now(UTC)
    options = {
        name: now + value if name in ("starts_at", "ends_at") else value
        for name, value in options.items()
    }
    await past.expected(ago=10 * HOUR)
    await redis.hset(queue.keys.runs, "report", 5)
    one = watch(queue, a_task(**options), environment="staging")
    # The second look sees what the first one has noted
    assert bool([*await one.look(), *await one.look()]) is is_found
    assert await one.look() == []


async def test_what_is_found_is_in_the_history(ticking: Any, past: Past) -> None:
    await past.expected(ago=2 * HOUR)
    tick = await past.ticked(ago=30)
    one = watch(ticking.queue, a_task())
    await one.look()
    (record,) = await ticking.records()
    assert (record.outcome, record.tick.timestamp()) == ("missed:overdue", tick)
    # And another stretch of the same is one record with it
    await past.expected(ago=3 * HOUR)
    await one.look()
    assert await ticking.outcomes() == [("missed:overdue", 2)]


async def test_many_tasks_are_looked_at_in_one_call(
    queue: RedisQueue, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [a_task(f"task {n}") for n in range(1500)]
    one = watch(queue, *tasks)
    await one.look()
    await past.expected(ago=2 * HOUR, name="task 3")
    await past.expected(ago=2 * HOUR, name="task 1499")
    calls: list[str] = []
    call = queue.scripts.run

    async def counted(name: str, *args: Any) -> Any:
        calls.append(name)
        return await call(name, *args)

    monkeypatch.setattr(queue.scripts, "run", counted)
    assert names(await one.look()) == ["task 3", "task 1499"]
    assert calls == ["overdue"]


async def test_a_task_that_is_gone_is_forgotten(queue: RedisQueue, past: Past) -> None:
    # Given a task that no worker has named for more than a minute
    redis: Any = queue.redis
    await Scheduler(queue, [a_task()]).sync()
    await past.expected(ago=10 * HOUR)
    await redis.zadd(queue.keys.seen, {member_of(a_task()): await past.now() - 61})
    await Scheduler(queue, [a_task("other")]).sync()
    # When it comes back
    # Then it has its time
    assert await watch(queue, a_task()).look() == []


# -- in a scheduler --------------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[list[TickMissed]]:
    """The events so far."""
    events: list[TickMissed] = []

    async def note(event: TickMissed) -> None:
        events.append(event)

    listen(TickMissed)(note)
    yield events
    unlisten(note)


async def test_a_scheduler_tells_everybody(
    queue: RedisQueue,
    past: Past,
    told: list[TickMissed],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a task that is overdue, and has a hook
    records: list[TickRecord] = []
    task = a_task(on_missed=records.append)
    since = await past.expected(ago=2 * HOUR)
    await past.succeeded(ago=3 * HOUR)
    scheduler = Scheduler(queue, [task])
    # When a worker takes its first look
    with caplog.at_level(logging.WARNING, "jtc.queue"):
        await scheduler.step()
        await scheduler.step()
        await scheduler.close()
        await close_backgrounds()
    # Then log, hook, listeners and measures are told, once
    (record,) = records
    assert record.outcome == "missed:overdue"
    assert [(one.name, one.tick, one.reason) for one in told] == [
        ("report", record.tick, "overdue")
    ]
    assert queue.measures.ticks == {("missed", "overdue"): 1}
    (line,) = caplog.records
    assert line.__dict__["action"] == "task_overdue"
    at = datetime.fromtimestamp(since, tz=UTC).isoformat(timespec="seconds")
    assert line.getMessage() == (
        f"Task report is overdue: it has not succeeded since {at}, and should have "
        "within 3600 s."
    )


# -- schedules made at run time --------------------------------------------------------


async def test_a_schedule_made_at_run_time_may_be_expected_to_succeed(
    queue: RedisQueue, past: Past, told: list[TickMissed]
) -> None:
    # Given one that was made, and that workers know from the queue only
    schedules = Schedules(queue, [ScheduledTask(run, "@yearly", "report")])
    await schedules.add("eu", every=HOUR, task="report", expect_within=2 * HOUR)
    one = watch(queue)
    assert await one.look() == []
    # When it does not succeed
    await past.expected(ago=3 * HOUR, name="eu")
    # Then it is found
    (found,) = await one.look()
    assert (found.record.name, found.within, found.task) == ("eu", 2 * HOUR, None)
    await past.expected(ago=4 * HOUR, name="eu")
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await close_backgrounds()
    assert [event.name for event in told] == ["eu"]


async def test_what_is_expected_of_it_may_be_changed(
    queue: RedisQueue, past: Past
) -> None:
    schedules = Schedules(queue, [ScheduledTask(run, "@yearly", "report")])
    await schedules.add("eu", every=HOUR, task="report")
    one = watch(queue)
    await past.expected(ago=3 * HOUR, name="eu")
    assert await one.look() == []
    # What was not expected before is expected from now on
    await schedules.update("eu", expect_within=2 * HOUR)
    assert await one.look() == []
    await past.expected(ago=3 * HOUR, name="eu")
    await schedules.update("eu", expect_within=4 * HOUR)
    assert await one.look() == []
    await schedules.update("eu", enabled=False)
    await past.expected(ago=5 * HOUR, name="eu")
    assert await one.look() == []
    await schedules.update("eu", enabled=True)
    assert await one.look() == []
    await past.expected(ago=5 * HOUR, name="eu")
    assert names(await one.look()) == ["eu"]


async def test_one_that_is_removed_and_made_again_has_its_time(
    queue: RedisQueue, past: Past
) -> None:
    schedules = Schedules(queue, [ScheduledTask(run, "@yearly", "report")])
    for _ in range(2):
        await schedules.add("eu", every=HOUR, task="report", expect_within=2 * HOUR)
        assert await watch(queue).look() == []
        await past.expected(ago=3 * HOUR, name="eu")
        await schedules.remove("eu")
    assert await watch(queue).look() == []


async def test_one_that_gives_way_to_a_task_is_expected_as_the_task_says(
    queue: RedisQueue, past: Past, redis_url: str
) -> None:
    # Given a schedule made at run time, and a new task of that name that says nothing
    elsewhere = RedisQueue(open_client(redis_url))
    schedules = Schedules(elsewhere, [ScheduledTask(run, "@yearly", "report")])
    await schedules.add("eu", every=HOUR, task="report", expect_within=2 * HOUR)
    await elsewhere.disconnect()
    await Scheduler(queue, [ScheduledTask(run, 60, "eu")]).sync()
    await past.expected(ago=3 * HOUR, name="eu")
    assert await watch(queue).look() == []


async def test_what_can_never_hold_is_refused_at_run_time_too(
    queue: RedisQueue,
) -> None:
    schedules = Schedules(queue, [ScheduledTask(run, "@yearly", "report")])
    with pytest.raises(ValueError, match="at least 3600 s apart"):
        await schedules.add("eu", every=HOUR, task="report", expect_within=HOUR)
    with pytest.raises(InvalidSchedule, match="ping holds URLs"):
        await schedules.add("eu", every=HOUR, task="report", ping="http://beat/1")
