from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.queue import RedisQueue, Scheduler, endings
from jtc.queue.claims import Claims
from jtc.queue.definition import member_of
from jtc.queue.scheduler import LONGEST_SLEEP


async def claim(queue: RedisQueue) -> Any:
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    return job


async def end(queue: RedisQueue) -> None:
    """Run the first job that waits to its end."""
    assert await queue.settle(endings.completed(await claim(queue), "done"))


async def pause(ticking: Any, until: float | None = None) -> None:
    text = json.dumps({"at": 1.0, "note": "", "until": until})
    await ticking.redis.hset(ticking.queue.keys.paused, "report", text)


def at(ticking: Any, minute: float) -> datetime:
    return datetime.fromtimestamp(ticking.start + 60 * minute, tz=UTC)


# -- overlap ---------------------------------------------------------------------------


async def test_overlap_skip_drops_the_tick(ticking: Any) -> None:
    task = ticking.task()
    assert await ticking.fire(task, 0) == ()
    (skipped,) = await ticking.fire(task, 1)
    assert (skipped.outcome, skipped.tick) == ("skipped:overlap", at(ticking, 1))
    assert await ticking.minutes_waiting() == [0]
    assert await ticking.outcomes() == [("skipped:overlap", 1)]
    assert await ticking.minute_due(task) == 2


async def test_overlap_allow_runs_them_side_by_side(ticking: Any) -> None:
    task = ticking.task(overlap="allow")
    for minute in range(3):
        assert await ticking.fire(task, minute) == ()
    assert await ticking.minutes_waiting() == [0, 1, 2]


async def test_overlap_buffer_one_lets_one_tick_wait(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a tick that waits, and two more that are due meanwhile
    task = ticking.task(overlap="buffer_one")
    assert await ticking.fire(task, 0) == ()
    assert await ticking.fire(task, 1) == ()
    (skipped,) = await ticking.fire(task, 2)
    # Then one of them waits behind it, and the other is skipped
    assert skipped.outcome == "skipped:overlap"
    assert await ticking.minutes_waiting() == [0]
    # And it is queued when the first has ended
    await end(queue)
    assert await ticking.minutes_waiting() == [1]
    await end(queue)
    assert await ticking.minutes_waiting() == []
    assert await ticking.outcomes() == [
        ("ran", 1),
        ("ran", 1),
        ("skipped:overlap", 1),
    ]


async def buffered(ticking: Any) -> Any:
    """A task with a tick in the queue and one that waits for it."""
    task = ticking.task(overlap="buffer_one", tries=2)
    await ticking.fire(task, 0)
    await ticking.fire(task, 1)
    assert await ticking.minutes_waiting() == [0]
    return task


async def test_a_tick_that_waits_goes_on_when_the_one_before_fails(
    ticking: Any, queue: RedisQueue
) -> None:
    await buffered(ticking)
    await queue.settle(endings.failed(await claim(queue), "boom"))
    assert await ticking.minutes_waiting() == [1]


async def test_a_tick_that_waits_goes_on_when_the_one_before_is_canceled(
    ticking: Any, queue: RedisQueue
) -> None:
    await buffered(ticking)
    (job,) = await ticking.waiting()
    await queue.cancel(job.key)
    assert [j.key for j in await ticking.waiting()][-1:] != [job.key]
    batch = await Claims(queue, "w1").take(5)
    assert [j.meta["tick"]["nominal"] for j in batch.jobs] == [ticking.start + 60]


async def test_a_tick_that_waits_stays_while_the_one_before_is_tried_again(
    ticking: Any, queue: RedisQueue
) -> None:
    await buffered(ticking)
    await queue.settle(endings.retried(await claim(queue), "boom", wait=0))
    assert await ticking.minutes_waiting() == [0]
    await queue.settle(endings.released(await claim(queue)))
    assert await ticking.minutes_waiting() == [0]


async def test_a_tick_that_waits_goes_on_when_the_one_before_has_vanished(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a tick whose job somebody deleted
    task = await buffered(ticking)
    (job,) = await ticking.waiting()
    await ticking.redis.delete(queue.keys.queued, queue.keys.incomplete, job.id)
    # When the next tick fires
    await ticking.fire(task, 2)
    # Then it takes the place of the one that waits
    assert await ticking.minutes_waiting() == [1]
    await end(queue)
    assert await ticking.minutes_waiting() == [2]


async def test_a_worker_that_syncs_lets_a_forgotten_tick_go_on(
    ticking: Any, queue: RedisQueue
) -> None:
    task = await buffered(ticking)
    await ticking.redis.delete(queue.keys.queued, queue.keys.incomplete)
    await Scheduler(queue, [task]).sync()
    assert await ticking.minutes_waiting() == [1]


# -- catching up -----------------------------------------------------------------------


async def test_catchup_latest_runs_the_newest_missed_tick(ticking: Any) -> None:
    task = ticking.task()
    # A tick that is older than a minute was missed
    (missed,) = await ticking.fire(task, 10.99, due=1, polled_since=10.9)
    assert (missed.outcome, missed.count) == ("missed:down", 9)
    (job,) = await ticking.waiting()
    assert job.meta["tick"]["nominal"] == ticking.start + 600
    assert await ticking.outcomes() == [("missed:down", 9)]


async def test_catchup_all_runs_the_missed_ticks_one_after_the_other(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task(catchup="all")
    assert await ticking.fire(task, 4.5, due=1) == ()
    worker = ticking.worker(task)
    for minute in (1, 2, 3, 4):
        assert await ticking.minutes_waiting() == [minute]
        assert await worker.process()
    assert not await worker.process()
    outcomes = [outcome for outcome, _ in await ticking.outcomes()]
    assert outcomes == ["ran", "caught_up", "caught_up", "caught_up"]


async def test_catchup_all_runs_the_missed_ticks_at_once_if_they_may_overlap(
    ticking: Any,
) -> None:
    task = ticking.task(catchup="all", overlap="allow")
    await ticking.fire(task, 4.5, due=1)
    assert await ticking.minutes_waiting() == [1, 2, 3, 4]


async def test_catchup_all_runs_the_newest_up_to_its_limit(ticking: Any) -> None:
    task = ticking.task(catchup="all", overlap="allow", catchup_limit=2)
    lost = await ticking.fire(task, 70.5, due=1)
    assert [(r.outcome, r.count) for r in lost] == [
        ("missed:catchup_window", 10),
        ("missed:catchup_limit", 57),
    ]
    assert await ticking.minutes_waiting() == [68, 69, 70]


async def test_catchup_none_runs_only_what_is_on_time(ticking: Any) -> None:
    task = ticking.task(catchup="none")
    (missed,) = await ticking.fire(task, 4.5, due=1, polled_since=4.4)
    assert (missed.outcome, missed.count) == ("missed:down", 3)
    assert await ticking.minutes_waiting() == [4]


async def test_ticks_that_workers_saw_and_none_knew_are_told_apart(
    ticking: Any,
) -> None:
    # Given workers that looked from minute 3 on, none of which knew the task
    task = ticking.task()
    lost = await ticking.fire(task, 6.5, due=1, polled_since=3.5)
    assert [(r.outcome, r.count) for r in lost] == [
        ("missed:down", 3),
        ("missed:no_worker", 2),
    ]


async def test_a_worker_that_was_late_itself_lacked_no_worker(ticking: Any) -> None:
    # Given a worker that knows the task and stood still from minute 1 to 4
    (lost,) = await ticking.fire(
        ticking.task(), 4.5, due=1, polled_since=-60, asked_since=-10
    )
    assert (lost.outcome, lost.count) == ("missed:down", 3)


async def test_a_task_is_told_that_a_run_is_made_up_for(ticking: Any) -> None:
    ticks = []

    async def note(ctx: dict[str, Any]) -> None:
        ticks.append(ctx["tick"])

    task = ticking.task(note, catchup="all", overlap="allow")
    await ticking.fire(task, 2.5, due=1)
    worker = ticking.worker(task)
    await worker.process()
    await worker.process()
    assert [tick.caught_up for tick in ticks] == [True, False]
    assert not any(tick.manual for tick in ticks)


# -- what is known in advance ----------------------------------------------------------


async def test_a_tick_that_a_condition_excludes_is_recorded(ticking: Any) -> None:
    task = ticking.task(between=("10:00", "11:00"))
    for minute in range(3):
        (skipped,) = await ticking.fire(task, minute)
        assert skipped.outcome == "skipped:between"
    assert await ticking.outcomes() == [("skipped:between", 3)]
    assert await ticking.minutes_waiting() == []


async def test_a_task_runs_in_its_environments_only(ticking: Any) -> None:
    task = ticking.task(environments=["production"])
    (skipped,) = await ticking.fire(task, 0, environment="staging")
    assert skipped.outcome == "skipped:environment"
    assert await ticking.fire(task, 1, environment="production") == ()
    assert await ticking.minutes_waiting() == [1]


async def test_the_last_tick_of_a_task_leaves_no_entry(ticking: Any) -> None:
    task = ticking.task(ends_at=at(ticking, 1.5))
    await ticking.fire(task, 0)
    assert await ticking.minute_due(task) == 1
    await ticking.fire(task, 1)
    assert await ticking.minute_due(task) is None


async def test_jitter_moves_the_entry_by_milliseconds(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a task whose ticks are late on purpose
    task = ticking.task(jitter=30)
    scheduler = Scheduler(queue, [task])
    await scheduler.sync()
    (score,) = [
        s for _, s in await ticking.redis.zrange(queue.keys.due, 0, -1, withscores=True)
    ]
    assert score == round(score, 3)
    # When its time has come, a scheduler finds what another one wrote
    await ticking.redis.zadd(queue.keys.due, {member_of(task): score - 60 * 60})
    await scheduler.step()
    await scheduler.step()
    assert await ticking.redis.zscore(queue.keys.due, member_of(task)) > score - 60


# -- paused ----------------------------------------------------------------------------


async def test_a_paused_task_skips_its_ticks(ticking: Any) -> None:
    task = ticking.task()
    await pause(ticking)
    for minute in range(2):
        (skipped,) = await ticking.fire(task, minute)
        assert skipped.outcome == "skipped:paused"
    assert await ticking.outcomes() == [("skipped:paused", 2)]
    assert await ticking.minutes_waiting() == []
    assert await ticking.minute_due(task) == 2


async def test_a_pause_that_is_over_is_forgotten(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task()
    await pause(ticking, until=4_000_000_000)
    (skipped,) = await ticking.fire(task, 0)
    assert skipped.outcome == "skipped:paused"
    await pause(ticking, until=1)
    assert await ticking.fire(task, 1) == ()
    assert not await ticking.redis.exists(queue.keys.paused)


async def test_ticks_that_wait_stay_while_their_task_is_paused(
    ticking: Any, queue: RedisQueue
) -> None:
    task = await buffered(ticking)
    await pause(ticking)
    await end(queue)
    assert await ticking.minutes_waiting() == []
    await ticking.redis.delete(queue.keys.paused)
    await ticking.fire(task, 2)
    assert await ticking.minutes_waiting() == [1]


# -- max_runs --------------------------------------------------------------------------


async def test_a_task_ends_with_the_last_of_its_runs(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task(max_runs=2, overlap="allow")
    await ticking.fire(task, 0)
    assert await ticking.minute_due(task) == 1
    await ticking.fire(task, 1)
    assert await ticking.minute_due(task) is None
    # And no worker that comes later brings it back
    await Scheduler(queue, [task]).sync()
    assert await ticking.minute_due(task) is None


async def test_ticks_beyond_the_last_run_are_outside(ticking: Any) -> None:
    task = ticking.task(max_runs=2, catchup="all")
    skipped = await ticking.fire(task, 4.5, due=1)
    assert [r.outcome for r in skipped] == ["skipped:outside_window"] * 2
    assert await ticking.minutes_waiting() == [1]
    assert await ticking.minute_due(task) is None


async def test_a_skipped_tick_is_no_run(ticking: Any) -> None:
    task = ticking.task(max_runs=2)
    await ticking.fire(task, 0)
    (skipped,) = await ticking.fire(task, 1)
    assert skipped.outcome == "skipped:overlap"
    assert await ticking.minute_due(task) == 2


async def test_a_tick_that_when_is_against_is_no_run(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a task whose only run was skipped at the last moment
    task = ticking.task(max_runs=1, when=lambda: False)
    await ticking.fire(task, 0)
    assert await ticking.minute_due(task) is None
    await ticking.worker(task).process()
    assert await ticking.outcomes() == [("skipped:when", 1)]
    # When a worker syncs, then it is scheduled again
    await Scheduler(queue, [task]).sync()
    assert await ticking.minute_due(task) is not None


# -- once ------------------------------------------------------------------------------


async def test_what_two_definitions_have_in_common_is_dealt_with_once(
    ticking: Any,
) -> None:
    # Given two definitions of a name, as in a rolling deploy
    old = ticking.task(days=["mon"])
    new = ticking.task(days=["mon"], jitter=0.001)
    assert old.fingerprint != new.fingerprint
    # When both are due at once, for ticks that do not run
    first = await ticking.fire(old, 3, due=1)
    second = await ticking.fire(new, 3.5, due=1)
    # Then
    assert [(r.outcome, r.count) for r in first] == [("skipped:days", 3)]
    assert second == ()
    assert await ticking.outcomes() == [("skipped:days", 3)]


async def test_many_who_fire_the_same_record_it_once(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given an entry whose ticks were all missed
    task = ticking.task(catchup="none", ends_at=at(ticking, 3))
    schedulers = [Scheduler(queue, [task]) for _ in range(8)]
    await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    due = {member_of(task): ticking.start + 60}
    await ticking.redis.zadd(queue.keys.due, due)
    # When
    await asyncio.gather(*(scheduler.step() for scheduler in schedulers))
    # Then
    assert await ticking.outcomes() == [("missed:down", 3)]
    assert await ticking.minute_due(task) is None


async def test_a_tick_whose_job_somebody_enqueued_already_is_not_doubled(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task()
    await ticking.fire(task, 0)
    await ticking.redis.hdel(queue.keys.last, "report")
    await ticking.redis.hdel(queue.keys.previous, "report")
    assert await ticking.fire(task, 0) == ()
    assert await ticking.minutes_waiting() == [0]


# -- at the start ----------------------------------------------------------------------


async def test_run_on_start_runs_a_task_once_when_it_is_new(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task(run_on_start=True)
    # When many workers come, and come again
    schedulers = [Scheduler(queue, [task]) for _ in range(5)]
    for _ in range(2):
        await asyncio.gather(*(scheduler.sync() for scheduler in schedulers))
    # Then it runs once, and no tick's place is taken
    (job,) = await ticking.waiting()
    assert (job.key, job.meta["tick"]["manual"]) == ("report@start", True)
    await ticking.worker(task).process()
    assert await ticking.outcomes() == [("manual", 1)]
    assert not await ticking.redis.hexists(queue.keys.last, "report")


async def test_run_on_start_does_not_run_a_task_whose_ticks_changed(
    ticking: Any, queue: RedisQueue
) -> None:
    old = ticking.task(run_on_start=True)
    await Scheduler(queue, [old]).sync()
    await ticking.worker(old).process()
    new = ticking.task(run_on_start=True, jitter=1)
    await Scheduler(queue, [new]).sync()
    assert await ticking.minute_due(new) is not None
    assert await ticking.waiting() == []


async def test_a_task_that_is_not_enabled_is_never_scheduled(
    ticking: Any, queue: RedisQueue
) -> None:
    await Scheduler(queue, [ticking.task(enabled=False)]).sync()
    assert await ticking.redis.keys("*") == []


# -- definitions -----------------------------------------------------------------------


async def test_a_definition_stays_as_it_was_deployed_last(
    ticking: Any, queue: RedisQueue
) -> None:
    async def definition() -> Any:
        text = await ticking.redis.hget(queue.keys.definitions, "report")
        return json.loads(text)["options"]

    # Given an old worker, and then a new one
    old = Scheduler(queue, [ticking.task(timeout=30)])
    new = Scheduler(queue, [ticking.task(timeout=40)])
    for scheduler in (old, new):
        await scheduler.sync()
    assert (await definition())["timeout"] == 40
    # When the old one goes on
    await old.sync()
    # Then
    assert (await definition())["timeout"] == 40


async def test_the_definition_of_a_removed_task_is_removed(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a task that was removed, and one whose ticks changed
    gone, old = ticking.task(name="gone"), ticking.task(name="kept")
    new = ticking.task(name="kept", jitter=1)
    for task in (gone, old, new):
        await Scheduler(queue, [task]).sync()
    for task in (gone, old):
        await ticking.redis.zadd(queue.keys.seen, {member_of(task): 1})
    # When a worker syncs
    await Scheduler(queue, [new]).sync()
    # Then
    assert await ticking.redis.hkeys(queue.keys.definitions) == [b"kept"]
    assert await ticking.redis.zrange(queue.keys.due, 0, -1) == [
        member_of(new).encode()
    ]


async def test_a_thousand_tasks_are_named_in_a_few_calls(
    ticking: Any, queue: RedisQueue
) -> None:
    tasks = [ticking.task(name=f"task{n}") for n in range(1000)]
    await ticking.redis.config_resetstat()
    await Scheduler(queue, tasks).sync()
    calls = (await ticking.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert await ticking.redis.zcard(queue.keys.due) == 1000
    assert await ticking.redis.hlen(queue.keys.definitions) == 1000
    assert calls <= 12


async def test_the_time_between_two_ticks_is_never_slept_through(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a task that is due now, and next in the fraction of a second
    task = ticking.task(starts_at=at(ticking, 0), jitter=0)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    seconds, micros = await ticking.redis.time()
    now = seconds + micros / 1e6
    soon = {member_of(task): now - 30, "*:other": now + 0.3}
    await ticking.redis.zadd(queue.keys.due, soon)
    # When
    wait = await scheduler.step()
    # Then
    assert 0 < wait <= 0.3 + 0.01


@pytest.mark.parametrize("gap", [0, timedelta(hours=2)])
async def test_a_look_says_since_when_there_were_looks(
    ticking: Any, queue: RedisQueue, gap: Any
) -> None:
    tasks = [ticking.task()]
    await Scheduler(queue, tasks).sync()
    await Scheduler(queue, tasks).step()
    before = await ticking.redis.hgetall(queue.keys.polled)
    if gap:
        last = float(before[b"last"]) - gap.total_seconds()
        await ticking.redis.hset(queue.keys.polled, "last", last)
    await Scheduler(queue, tasks).step()
    after = await ticking.redis.hgetall(queue.keys.polled)
    assert (after[b"since"] == before[b"since"]) == (not gap)


async def test_a_worker_at_rest_asks_one_question_at_a_time(
    ticking: Any, queue: RedisQueue
) -> None:
    tasks = [ticking.task(name=f"task{n}") for n in range(500)]
    scheduler = Scheduler(queue, tasks)
    await scheduler.step()
    later = {member_of(task): 4_000_000_000 for task in tasks}
    await ticking.redis.zadd(queue.keys.due, later)
    await ticking.redis.config_resetstat()
    waits = [await scheduler.step() for _ in range(10)]
    stats = await ticking.redis.info("commandstats")
    assert waits == [LONGEST_SLEEP] * 10
    assert stats["cmdstat_evalsha"]["calls"] == 10
    assert stats["cmdstat_zrange"]["calls"] == 10
    assert stats.get("cmdstat_hset", {"calls": 0})["calls"] <= 2
