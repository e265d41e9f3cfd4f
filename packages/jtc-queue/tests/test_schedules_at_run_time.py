from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.queue import (
    InvalidSchedule,
    RedisQueue,
    ScheduleExists,
    Scheduler,
    Schedules,
    ScheduleStatus,
    Settings,
    Target,
    Tick,
    Worker,
    open_client,
    task_function_name,
)
from jtc.queue.definition import encode_definition
from jtc.schedule import (
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTaskOption,
    InvalidTimezone,
    ScheduledTask,
    ScheduleWarning,
    UnknownTaskOption,
)

Eventually = Callable[..., Awaitable[Any]]

HOUR = 3600
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
NEW_YEAR = "0 0 1 1 *"


async def run(ctx: dict[str, Any], *, region: str = "eu") -> None:
    """Do nothing."""


REPORT = ScheduledTask(run, NEW_YEAR, "report", timeout=7, tries=2, backoff=(1, 2))


@pytest.fixture
def schedules(queue: RedisQueue) -> Schedules:
    """As a process with the task's code sees them."""
    return Schedules(queue, [REPORT])


@pytest.fixture
async def elsewhere(redis_url: str) -> AsyncIterator[Schedules]:
    """As another process sees them, one without code."""
    queue = RedisQueue(open_client(redis_url))
    yield Schedules(queue, [])
    await queue.disconnect()


async def server_now(queue: RedisQueue) -> float:
    redis: Any = queue.redis
    second, micros = await redis.time()
    return float(second + micros / 1e6)


async def due(queue: RedisQueue, name: str) -> float | None:
    redis: Any = queue.redis
    score: float | None = await redis.zscore(queue.keys.due, f"*:{name}")
    return score


@pytest.fixture
async def years(queue: RedisQueue) -> int:
    """An interval whose newest tick was seconds ago and whose next is years away.

    No test can then straddle a tick by being slow.
    """
    return (int(await server_now(queue)) - 2) // 12 * 2


async def make_due(queue: RedisQueue, name: str, every: int) -> int:
    """Make a schedule due at its newest tick; return that."""
    redis: Any = queue.redis
    tick = int(await server_now(queue)) // every * every
    await redis.zadd(queue.keys.due, {f"*:{name}": tick})
    return tick


async def jobs_in(queue: RedisQueue) -> list[Any]:
    redis: Any = queue.redis
    ids = await redis.lrange(queue.keys.queued, 0, -1)
    keys = [queue.job_key_from_id(i.decode()) for i in ids]
    return [job for job in await queue.jobs(keys) if job] if keys else []


async def status_of(schedules: Schedules, name: str) -> ScheduleStatus:
    status = await schedules.get(name)
    assert status is not None
    return status


# -- add -------------------------------------------------------------------------------


async def test_a_schedule_is_data_that_every_process_sees(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules
) -> None:
    # When
    await schedules.add(
        "tenant-7.report",
        cron="0 9 * * mon-fri",
        task="report",
        description="For tenant 7",
        timezone="Europe/Lisbon",
        payload={"region": "pt"},
        exclude=["2026-12-25"],
        overlap="allow",
    )
    # Then
    found = await status_of(elsewhere, "tenant-7.report")
    assert found == await status_of(schedules, "tenant-7.report")
    assert (found.schedule, found.timezone) == ("0 9 * * mon-fri", "Europe/Lisbon")
    assert (found.description, found.in_code) == ("For tenant 7", False)
    assert found.target == Target("task", "report")
    assert found.options.payload == {"region": "pt"}
    assert (found.options.overlap, found.options.exclude != ()) == ("allow", True)
    assert (await elsewhere.next_runs("tenant-7.report", 1))[0] == found.next_due


async def test_how_it_runs_is_taken_over_from_the_task(
    schedules: Schedules, elsewhere: Schedules
) -> None:
    await schedules.add("a", every=60, task="report")
    await schedules.add("b", every=60, task="report", timeout=9, tries=5)
    first, second = await elsewhere.list()
    options = first.options
    assert (options.timeout, options.tries, options.backoff) == (7, 2, (1, 2))
    options = second.options
    assert (options.timeout, options.tries, options.backoff) == (9, 5, (1, 2))


async def test_its_first_tick_is_the_next_one(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.add("tenant", every=HOUR, phase=60, task="report")
    found, now = await due(queue, "tenant"), await server_now(queue)
    assert found is not None
    assert found % HOUR == 60
    assert now - 60 < found <= now + HOUR


async def test_a_worker_without_its_code_fires_it_and_one_that_has_it_runs_it(
    queue: RedisQueue,
    schedules: Schedules,
    working: Any,
    eventually: Eventually,
    years: int,
) -> None:
    # Given
    calls: list[tuple[Tick, str]] = []

    async def note(ctx: dict[str, Any], *, region: str) -> None:
        calls.append((ctx["tick"], region))

    await schedules.add("tenant", every=years, task="report", payload={"region": "pt"})
    tick = await make_due(queue, "tenant", years)
    # When
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await scheduler.step()
    async with working(Worker(queue, [(task_function_name(REPORT), note)])):

        async def is_recorded() -> Any:
            return await schedules.history("tenant")

        (record,) = await eventually(is_recorded)
    # Then
    ((seen, region),) = calls
    assert (seen.name, seen.nominal.timestamp(), region) == ("tenant", tick, "pt")
    assert (record.outcome in ("ran", "caught_up"), record.error) == (True, None)
    assert record.tick.timestamp() == tick
    assert (await status_of(schedules, "tenant")).last == record
    assert await due(queue, "tenant") == tick + years


async def test_of_many_workers_one_fires_its_tick(
    queue: RedisQueue, schedules: Schedules, years: int
) -> None:
    await schedules.add("tenant", every=years, task="report")
    schedulers = [Scheduler(queue, []) for _ in range(10)]
    await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    tick = await make_due(queue, "tenant", years)
    await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    (job,) = await jobs_in(queue)
    assert job.meta["tick"]["nominal"] == tick
    assert (job.function, job.timeout, job.retries) == ("task:report", 7, 2)


async def test_a_paused_one_does_not_fire(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules, years: int
) -> None:
    await schedules.add("tenant", every=years, task="report")
    await elsewhere.pause("tenant")
    await make_due(queue, "tenant", years)
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await scheduler.step()
    assert await jobs_in(queue) == []
    assert (await status_of(schedules, "tenant")).paused is not None


async def test_it_can_be_triggered_and_backfilled_like_a_task(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules
) -> None:
    await schedules.add(
        "tenant", every=HOUR, task="report", payload={"region": "pt"}, overlap="allow"
    )
    await elsewhere.trigger("tenant")
    start = datetime(2025, 3, 1, tzinfo=UTC)
    assert await elsewhere.backfill("tenant", start, start + timedelta(hours=1)) == [
        start
    ]
    jobs = await jobs_in(queue)
    assert [job.function for job in jobs] == ["task:report"] * 2
    assert [job.kwargs for job in jobs] == [{"region": "pt"}] * 2
    assert [job.meta["tick"]["kind"] for job in jobs] == ["manual", "caught_up"]
    assert jobs[1].key == "tenant@2025-03-01T00:00:00Z"


async def test_a_payload_that_its_task_would_not_take_is_refused_where_that_is_known(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules
) -> None:
    await schedules.add("tenant", every=HOUR, task="report")
    with pytest.raises(InvalidTask, match=r"payload of 'regoin' does not fit .*run\("):
        await schedules.trigger("tenant", payload={"regoin": "pt"})
    assert await jobs_in(queue) == []
    # And accepted where it fits, or cannot be known
    await schedules.trigger("tenant", payload={"region": "pt"})
    await elsewhere.trigger("tenant", payload={"regoin": "pt"})
    kwargs = [job.kwargs for job in await jobs_in(queue)]
    assert sorted(map(str, kwargs)) == ["{'region': 'pt'}", "{'regoin': 'pt'}"]


async def test_a_task_that_only_workers_know_can_be_its_target(
    queue: RedisQueue, elsewhere: Schedules
) -> None:
    await Scheduler(queue, [REPORT]).sync()
    await elsewhere.add("tenant", every=60, task="report")
    status = await status_of(elsewhere, "tenant")
    assert (status.options.timeout, status.options.tries) == (7, 2)


async def test_it_may_run_when_it_is_made(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.add("tenant", every=HOUR, task="report", run_on_start=True)
    (job,) = await jobs_in(queue)
    assert job.meta["tick"]["kind"] == "manual"
    with pytest.raises(ScheduleExists):
        await schedules.add("tenant", every=HOUR, task="report", run_on_start=True)
    assert len(await jobs_in(queue)) == 1


async def test_one_that_is_not_enabled_is_not_due(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.add(
        "tenant", every=60, task="report", enabled=False, run_on_start=True
    )
    assert await due(queue, "tenant") is None
    assert await jobs_in(queue) == []
    status = await status_of(schedules, "tenant")
    assert (status.enabled, status.next_due) == (False, None)


async def test_a_zone_that_is_not_named_is_that_of_who_makes_it(
    queue: RedisQueue, elsewhere: Schedules
) -> None:
    tokyo = Schedules(queue, [REPORT], settings=Settings(timezone="Asia/Tokyo"))
    await tokyo.add("tenant", cron="0 9 * * *", task="report")
    assert (await status_of(elsewhere, "tenant")).timezone == "Asia/Tokyo"


async def test_a_job_class_may_be_named_without_being_known(
    queue: RedisQueue, elsewhere: Schedules
) -> None:
    await elsewhere.add(
        "tenant", every=60, job="shop.SendInvoice", payload={"order": 7}, timeout=5
    )
    await elsewhere.trigger("tenant")
    (job,) = await jobs_in(queue)
    assert job.function == "runner"
    assert job.kwargs == {"job_class": "shop.SendInvoice", "payload": {"order": 7}}
    assert job.timeout == 5
    target = (await status_of(elsewhere, "tenant")).target
    assert str(target) == "job shop.SendInvoice"


REFUSED: list[tuple[str, type[Exception], str, dict[str, Any]]] = [
    ("neither time", InvalidSchedule, "either cron= or every=", {"every": None}),
    ("both times", InvalidSchedule, "not both", {"cron": NEW_YEAR}),
    ("no target", InvalidSchedule, "either task= or job=", {"task": None}),
    ("two targets", InvalidSchedule, "either task= or job=", {"job": "a.B"}),
    ("a slip", InvalidSchedule, "did you mean 'report'", {"task": "reprot"}),
    ("unknown", InvalidSchedule, "import the module", {"task": "quite else"}),
    ("code", InvalidSchedule, "when is code", {"when": bool}),
    ("queue", InvalidSchedule, "run in queue 'mail'", {"queue": "mail"}),
    ("is over", InvalidSchedule, "no tick to come", {"ends_at": LONG_AGO}),
    ("cron", InvalidCronExpression, "minute", {"every": None, "cron": "61 * * * *"}),
    ("a number", InvalidCronExpression, "a string", {"every": None, "cron": 60}),
    ("text", InvalidInterval, "cron=", {"every": "0 * * * *"}),
    ("too short", InvalidInterval, "one second", {"every": 0}),
    ("zone", InvalidTimezone, "unknown", {"timezone": "Mars/Base", "days": "mon"}),
    ("option", UnknownTaskOption, "Did you mean 'tries'", {"trys": 3}),
    ("value", InvalidTaskOption, "tries", {"tries": 0}),
    ("payload", InvalidTaskOption, "payload", {"payload": {"a": {1}}}),
    ("argument", InvalidTask, "sise", {"payload": {"sise": 1}}),
    ("name", InvalidTask, "printable", {"name": "a\nb"}),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_cannot_work_is_refused(
    redis: Any, schedules: Schedules, row: tuple[Any, ...]
) -> None:
    _, error, problem, changes = row
    said = {"name": "tenant", "every": 60, "task": "report", **changes}
    with pytest.raises(error, match=problem):
        await schedules.add(**said)
    with pytest.raises(error, match=problem):
        await schedules.add_many([{"name": "a", "every": 9, "task": "report"}, said])
    assert await redis.keys("*") == []


@pytest.mark.parametrize("name", ["a:b", "*", "tenant 7: é*[x]?", "x" * 200])
async def test_any_name_that_a_task_may_have_will_do(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules, name: str, years: int
) -> None:
    await schedules.add(name, every=years, task="report")
    await make_due(queue, name, years)
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await scheduler.step()
    (job,) = await jobs_in(queue)
    assert job.meta["tick"]["name"] == name
    assert (await status_of(elsewhere, name)).name == name
    assert await elsewhere.remove(name) is True


async def test_a_run_that_may_take_longer_than_its_interval_is_warned_of(
    schedules: Schedules,
) -> None:
    with pytest.warns(ScheduleWarning, match="A run may take 90 s"):
        await schedules.add("tenant", every=60, task="report", timeout=90)


async def test_a_schedule_cannot_run_another_schedule(schedules: Schedules) -> None:
    await schedules.add("tenant", every=60, task="report")
    with pytest.raises(InvalidSchedule, match="give what that one runs"):
        await schedules.add("other", every=60, task="tenant")


async def test_a_name_that_is_taken_is_refused(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules
) -> None:
    await schedules.add("tenant", every=60, task="report")
    with pytest.raises(ScheduleExists, match=r"'tenant' already. Change it with upd"):
        await elsewhere.add("tenant", every=30, job="a.B")
    with pytest.raises(ScheduleExists, match=r"'report' already. It is a task in code"):
        await schedules.add("report", every=60, task="report")
    await Scheduler(queue, [REPORT]).sync()
    with pytest.raises(ScheduleExists, match="a task in code"):
        await elsewhere.add("report", every=60, job="a.B")
    assert (await status_of(schedules, "tenant")).schedule == 60


async def test_of_many_that_add_a_name_one_does(
    redis: Any, queue: RedisQueue, schedules: Schedules
) -> None:
    tries = [schedules.add("tenant", every=60 + n, task="report") for n in range(10)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [one for one in ended if one is None] == [None]
    assert all(isinstance(one, ScheduleExists) for one in ended if one is not None)
    assert await redis.zcard(queue.keys.due) == 1


# -- add_many --------------------------------------------------------------------------


async def test_many_are_made_and_read_by_a_handful_of_calls(
    redis: Any, queue: RedisQueue, schedules: Schedules
) -> None:
    # Given
    wanted = [
        {"name": f"tenant-{n}", "every": HOUR, "task": "report"} for n in range(1200)
    ]
    await schedules.add("tenant-7", every=60, task="report")
    await redis.config_resetstat()
    # When
    made = await schedules.add_many(wanted)
    found = await schedules.list()
    # Then
    assert len(made) == 1199
    assert "tenant-7" not in made
    assert len(found) == 1201
    assert (await status_of(schedules, "tenant-7")).schedule == 60
    stats = await redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] <= 5
    assert stats["cmdstat_hscan"]["calls"] <= 20
    assert "cmdstat_scan" not in stats
    assert "cmdstat_keys" not in stats


async def test_a_name_that_comes_twice_is_made_once(schedules: Schedules) -> None:
    one = {"name": "tenant", "every": 60, "task": "report"}
    assert await schedules.add_many([one, {**one, "every": 30}]) == ["tenant"]
    assert await schedules.add_many([{**one, "name": "report"}]) == []
    assert await schedules.add_many([]) == []


async def test_every_schedule_of_many_needs_a_name(schedules: Schedules) -> None:
    with pytest.raises(InvalidSchedule, match="give it a name"):
        await schedules.add_many([{"every": 60, "task": "report"}])


# -- update ----------------------------------------------------------------------------


async def test_what_is_not_said_anew_stays(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules
) -> None:
    # Given
    await schedules.add(
        "tenant",
        cron=NEW_YEAR,
        task="report",
        description="Yearly",
        payload={"region": "pt"},
        tries=4,
    )
    before = await status_of(schedules, "tenant")
    # When
    await elsewhere.update("tenant", payload={"region": "es"}, overlap="allow")
    # Then
    after = await status_of(schedules, "tenant")
    assert after.options.payload == {"region": "es"}
    assert (after.options.overlap, after.options.tries) == ("allow", 4)
    assert (after.schedule, after.description) == (NEW_YEAR, "Yearly")
    assert (after.target, after.next_due) == (before.target, before.next_due)


async def test_changed_times_begin_with_the_next_one(
    redis: Any, queue: RedisQueue, schedules: Schedules
) -> None:
    # Given a schedule that has a history
    await schedules.add("tenant", cron=NEW_YEAR, task="report")
    line = '{"tick":1,"outcome":"ran","at":2}'
    await redis.lpush(f"{queue.keys.history}tenant", line)
    # When
    await schedules.update("tenant", every=60)
    # Then
    found, now = await due(queue, "tenant"), await server_now(queue)
    assert found is not None
    assert now - 60 < found <= now + 60
    assert found % 60 == 0
    assert len(await schedules.history("tenant")) == 1
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    assert await jobs_in(queue) == []


async def test_a_change_of_policy_leaves_its_time_alone(
    queue: RedisQueue, schedules: Schedules, years: int
) -> None:
    await schedules.add("tenant", every=years, task="report")
    tick = await make_due(queue, "tenant", years)
    await schedules.update("tenant", timeout=1, description="")
    assert await due(queue, "tenant") == tick


async def test_switching_it_off_and_on(
    queue: RedisQueue, schedules: Schedules, years: int
) -> None:
    await schedules.add("tenant", every=years, task="report")
    await make_due(queue, "tenant", years)
    await schedules.update("tenant", enabled=False)
    assert await due(queue, "tenant") is None
    await schedules.update("tenant", tries=3)
    assert await due(queue, "tenant") is None
    await schedules.update("tenant", enabled=True)
    found = await due(queue, "tenant")
    assert found is not None
    assert found > await server_now(queue)


async def test_one_that_has_had_its_runs_is_due_again_when_it_may_have_more(
    queue: RedisQueue, schedules: Schedules, years: int
) -> None:
    # Given
    await schedules.add("tenant", every=years, task="report", max_runs=1)
    await make_due(queue, "tenant", years)
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await scheduler.step()
    assert await due(queue, "tenant") is None
    assert (await status_of(schedules, "tenant")).next_due is None
    # When something else is changed, and then that
    await schedules.update("tenant", tries=2)
    assert await due(queue, "tenant") is None
    await schedules.update("tenant", max_runs=2)
    # Then
    assert await due(queue, "tenant") is not None
    assert len(await schedules.next_runs("tenant")) == 1


async def test_its_target_may_be_changed(
    queue: RedisQueue, schedules: Schedules
) -> None:
    await schedules.add("tenant", every=60, task="report", payload={"region": "pt"})
    await schedules.update("tenant", job="shop.SendInvoice")
    await schedules.trigger("tenant")
    (job,) = await jobs_in(queue)
    assert job.kwargs["job_class"] == "shop.SendInvoice"
    assert job.kwargs["payload"] == {"region": "pt"}
    with pytest.raises(InvalidTask, match="sise"):
        await schedules.update("tenant", task="report", payload={"sise": 1})


@pytest.mark.parametrize(
    ("error", "problem", "changes"),
    [
        (InvalidSchedule, "not both", {"cron": NEW_YEAR, "every": 60}),
        (InvalidSchedule, "either task= or job=", {"task": "report", "job": "a.B"}),
        (InvalidSchedule, "queue 'mail'", {"queue": "mail"}),
        (InvalidSchedule, "skip is code", {"skip": bool}),
        (InvalidSchedule, "no tick to come", {"ends_at": LONG_AGO}),
        (InvalidTaskOption, "tries", {"tries": 0}),
    ],
    ids=["times", "targets", "queue", "code", "over", "value"],
)  # fmt: skip
async def test_a_change_that_cannot_work_is_refused(
    schedules: Schedules,
    error: type[Exception],
    problem: str,
    changes: dict[str, Any],
) -> None:
    await schedules.add("tenant", every=60, task="report")
    before = await status_of(schedules, "tenant")
    with pytest.raises(error, match=problem):
        await schedules.update("tenant", **changes)
    assert await status_of(schedules, "tenant") == before


async def test_changes_at_the_same_time_are_all_made(
    schedules: Schedules, elsewhere: Schedules
) -> None:
    await schedules.add("tenant", every=60, task="report")
    options: list[dict[str, Any]] = [
        {"timeout": 11},
        {"tries": 12},
        {"catchup_limit": 13},
        {"description": "14"},
        {"every": 15},
        {"payload": {"region": "16"}},
    ]
    await asyncio.gather(
        *(schedules.update("tenant", **one) for one in options[::2]),
        *(elsewhere.update("tenant", **one) for one in options[1::2]),
    )
    found = await status_of(schedules, "tenant")
    assert (found.options.timeout, found.options.tries) == (11, 12)
    assert (found.options.catchup_limit, found.description) == (13, "14")
    assert (found.schedule, found.options.payload) == (15, {"region": "16"})


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_task_in_code_is_changed_there(
    queue: RedisQueue, schedules: Schedules, elsewhere: Schedules, is_named: bool
) -> None:
    if is_named:
        await Scheduler(queue, [REPORT]).sync()
    for one in (schedules, elsewhere) if is_named else (schedules,):
        with pytest.raises(InvalidSchedule, match="task in code; change it there"):
            await one.update("report", every=60)
        with pytest.raises(InvalidSchedule, match="task in code; remove it there"):
            await one.remove("report")


# -- remove ----------------------------------------------------------------------------


async def test_nothing_is_left_of_one_that_is_removed(
    redis: Any,
    queue: RedisQueue,
    schedules: Schedules,
    elsewhere: Schedules,
    years: int,
) -> None:
    # Given one of which there is all that there can be
    before = set(await redis.keys("*"))
    await schedules.add("tenant", every=years, task="report", max_runs=9)
    await make_due(queue, "tenant", years)
    scheduler = Scheduler(queue, [])
    await scheduler.step()
    await scheduler.step()
    start = datetime(2025, 3, 1, tzinfo=UTC)
    await schedules.backfill("tenant", start, start + timedelta(hours=3))
    await schedules.update("tenant", ends_at=datetime(2100, 1, 1, tzinfo=UTC))
    await schedules.pause("tenant")
    line = '{"tick":1,"outcome":"ran","at":2}'
    await redis.lpush(f"{queue.keys.history}tenant", line)
    # When
    assert await elsewhere.remove("tenant") is True
    # Then there are its jobs that wait, and what is not about it
    left = {key.decode() for key in set(await redis.keys("jtc:*")) - before}
    assert left <= {queue.keys.polled}
    assert await schedules.get("tenant") is None
    assert await elsewhere.remove("tenant") is False
    assert [job.key for job in await jobs_in(queue)] != []


async def test_a_name_that_was_removed_can_be_used_again(
    schedules: Schedules,
) -> None:
    await schedules.add("tenant", every=HOUR, task="report")
    await schedules.remove("tenant")
    await schedules.add("tenant", every=60, task="report")
    assert (await status_of(schedules, "tenant")).schedule == 60


async def test_of_many_that_remove_one_does(schedules: Schedules) -> None:
    await schedules.add("tenant", every=60, task="report")
    removed = await asyncio.gather(*(schedules.remove("tenant") for _ in range(10)))
    assert sum(removed) == 1


async def test_a_schedule_that_is_removed_is_not_brought_back_by_a_change(
    redis: Any, queue: RedisQueue, schedules: Schedules
) -> None:
    """A change read the schedule before, and writes after, it was removed."""
    await schedules.add("tenant", every=60, task="report")
    text = encode_definition(REPORT, Target("task", "report"))
    script_keys = [queue.keys.definitions, queue.keys.due]
    old = await redis.hget(queue.keys.definitions, "tenant")
    await schedules.remove("tenant")
    store = schedules._store
    args = ["tenant", old, text, "set", 1]
    assert await store._run("update_schedule", script_keys, args) == 0
    assert await redis.exists(*script_keys) == 0
