from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from saq.job import Status

from jtc.events import (
    Event,
    JobCanceled,
    JobCompleted,
    JobFailed,
    JobRecovered,
    JobReleased,
    JobRetried,
    JobStarted,
    RedisAway,
    RedisBack,
    TickEvent,
    TickMissed,
    TickSkipped,
    WorkerStarted,
    WorkerStopped,
    listen,
    unlisten,
)
from jtc.queue import (
    Discard,
    RedisQueue,
    Release,
    Scheduler,
    Worker,
    background,
    endings,
    open_client,
)
from jtc.queue.background import close_backgrounds
from jtc.queue.claims import Claims
from jtc.queue.definition import member_of
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.settlement import Settlement
from jtc.schedule import ScheduledTask

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The events so far."""
    # However loaded the machine is.
    monkeypatch.setattr(background, "PATIENCE", 60)
    events: list[Event] = []

    async def note(event: Event) -> None:
        events.append(event)

    listen(Event)(note)
    yield events
    unlisten(note)


async def run_all(worker: Worker) -> None:
    """Run what is in the queue, and hear of it."""
    while await worker.process():
        pass
    await close_backgrounds()


def kinds(told: list[Any]) -> list[type[Event]]:
    return [type(event) for event in told]


# -- jobs ------------------------------------------------------------------------------


async def test_a_job_starts_and_is_completed(
    queue: RedisQueue, told: list[Any]
) -> None:
    await queue.enqueue("f", key="one")
    worker = Worker(queue, [("f", quick)])
    await run_all(worker)
    started, completed = told
    about: dict[str, Any] = {
        "queue": "default",
        "id": "one",
        "name": "f",
        "attempt": 1,
        "worker": worker.id,
        "task": None,
        "tick": None,
    }
    assert started == JobStarted(**about, waited=started.waited)
    assert completed == JobCompleted(**about, seconds=completed.seconds)
    assert 0 <= started.waited < 60
    assert 0 <= completed.seconds < 60


async def test_a_job_is_retried_and_fails_in_the_end(
    queue: RedisQueue, told: list[Any]
) -> None:
    async def boom(ctx: Context) -> None:
        raise ValueError("no figures")

    await queue.enqueue("f", key="one", retries=2, retry_delay=0.001)
    worker = Worker(queue, [("f", boom)])
    while JobFailed not in kinds(told):
        await queue.promote()
        await run_all(worker)
    assert kinds(told) == [JobStarted, JobRetried, JobStarted, JobFailed]
    _, retried, again, failed = told
    assert (retried.attempt, retried.exception) == (1, "ValueError")
    assert (retried.message, retried.wait) == ("no figures", 0.001)
    assert (again.attempt, again.waited) == (2, None)
    assert (failed.attempt, failed.exception) == (2, "ValueError")
    assert failed.message == "no figures"
    assert failed.traceback.startswith("Traceback ")
    assert failed.traceback.endswith("ValueError: no figures\n")
    assert retried.seconds >= 0 <= failed.seconds


async def test_a_job_that_asks_for_it_is_released(
    queue: RedisQueue, told: list[Any]
) -> None:
    async def f(ctx: Context) -> None:
        raise Release("the shop is shut", after=60)

    await queue.enqueue("f")
    await run_all(Worker(queue, [("f", f)]))
    _, released = told
    assert type(released) is JobReleased
    assert (released.attempt, released.wait) == (1, 60)
    assert released.reason == "the shop is shut"


async def test_a_job_whose_worker_stops_is_released(
    queue: RedisQueue, told: list[Any], working: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        await asyncio.Event().wait()

    await queue.enqueue("f")
    async with working(Worker(queue, [("f", f)], grace=0.0)):
        await began.wait()
    assert kinds(told) == [WorkerStarted, JobStarted, JobReleased, WorkerStopped]
    released = told[2]
    assert (released.attempt, released.wait, released.reason) == (1, 0, "")


async def test_a_running_job_is_canceled(
    queue: RedisQueue, told: list[Any], working: Any, eventually: Eventually
) -> None:
    async def f(ctx: Context) -> None:
        await asyncio.Event().wait()

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: JobStarted in kinds(told))
        assert await queue.cancel("one", reason="not today")
        await eventually(lambda: JobCanceled in kinds(told))
    (canceled,) = [event for event in told if type(event) is JobCanceled]
    assert (canceled.id, canceled.reason, canceled.attempt) == ("one", "not today", 1)


async def test_a_job_that_waits_is_canceled_without_an_event(
    queue: RedisQueue, told: list[Any]
) -> None:
    # It is in no worker's hands, and the one who cancels it knows.
    await queue.enqueue("f", key="one")
    assert await queue.cancel("one")
    await run_all(Worker(queue, [("f", quick)]))
    assert told == []


async def test_a_discarded_job_is_canceled(queue: RedisQueue, told: list[Any]) -> None:
    async def f(ctx: Context) -> None:
        raise Discard("the order is gone")

    await queue.enqueue("f")
    await run_all(Worker(queue, [("f", f)]))
    _, canceled = told
    assert type(canceled) is JobCanceled
    assert canceled.reason == "discarded: the order is gone"


async def test_an_unknown_function_is_released_for_another_worker(
    queue: RedisQueue, told: list[Any]
) -> None:
    await queue.enqueue("f")
    await run_all(Worker(queue, [("g", quick)]))
    released = told[-1]
    assert type(released) is JobReleased
    assert "'f'" in released.reason


@pytest.mark.usefixtures("short_lease")
@pytest.mark.parametrize("is_shown", [False, True])
async def test_the_job_of_a_dead_worker_is_recovered_and_done(
    *,
    redis: Redis,
    queue: RedisQueue,
    told: list[Any],
    working: Any,
    eventually: Eventually,
    is_shown: bool,
) -> None:
    # Given a worker that died with a job in hand, after it was seen to run or before
    await queue.enqueue("f", key="one")
    (job,) = (await Claims(queue, "dead").take(1)).jobs
    if is_shown:
        await queue.settle(shown(job))
    await redis.zadd(queue.keys.workers, {"dead": 1})
    # When another one works
    async with working(Worker(queue, [("f", quick)])) as worker:
        await eventually(lambda: JobCompleted in kinds(told))
    # Then each is told once, and its try was not spent
    assert kinds(told) == [
        *(WorkerStarted, JobRecovered, JobStarted, JobCompleted, WorkerStopped)
    ]
    recovered, started = told[1], told[2]
    assert (recovered.id, recovered.worker, recovered.attempt) == ("one", "dead", 1)
    assert (started.worker, started.attempt) == (worker.id, 1)
    assert queue.measures.recovered == 1


@pytest.mark.usefixtures("short_lease")
async def test_the_job_that_killed_too_many_workers_fails(
    redis: Redis,
    queue: RedisQueue,
    told: list[Any],
    working: Any,
    eventually: Eventually,
) -> None:
    await queue.enqueue("f", key="one", meta={"kills": 2})
    await Claims(queue, "dead").take(1)
    await redis.zadd(queue.keys.workers, {"dead": 1})
    async with working(Worker(queue, [("f", quick)])):
        await eventually(lambda: JobFailed in kinds(told))
    (failed,) = [event for event in told if type(event) is JobFailed]
    assert (failed.worker, failed.attempt, failed.seconds) == ("dead", 1, None)
    assert failed.exception is None
    assert failed.message == "poison: 3 workers died while running this job"


@pytest.mark.parametrize("retries", [1, 2])
async def test_an_outcome_whose_reply_was_lost_is_told_once(
    *,
    queue: RedisQueue,
    told: list[Any],
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    retries: int,
) -> None:
    # Given a server whose reply to the first settlement is lost
    run = queue.scripts.run
    lost: list[str] = []

    async def lose_one(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        if name == "settle" and not lost:
            lost.append(name)
            raise RedisConnectionError("closed in the middle")
        return reply

    async def boom(ctx: Context) -> None:
        raise ValueError

    monkeypatch.setattr(queue.scripts, "run", lose_one)
    await queue.enqueue("f", retries=retries, retry_delay=3600)
    # When the job is run and its outcome sent again
    kind = {1: JobFailed, 2: JobRetried}[retries]
    async with working(Worker(queue, [("f", boom)])):
        await eventually(lambda: kind in kinds(told))
    # Then it is told once
    assert lost == ["settle"]
    assert kinds(told).count(kind) == 1


async def test_an_attempt_whose_job_is_another_workers_now_is_not_told(
    redis: Any, queue: RedisQueue, told: list[Any], working: Any
) -> None:
    may_end = asyncio.Event()

    async def f(ctx: Context) -> None:
        # Its claim is gone, as if the process had stood still
        await redis.hdel(queue.keys.claims, ctx["job"].id)
        may_end.set()

    await queue.enqueue("f")
    async with working(Worker(queue, [("f", f)])):
        await may_end.wait()
    assert kinds(told) == [WorkerStarted, JobStarted, WorkerStopped]


async def test_an_attempt_whose_last_hook_hangs_is_told_when_the_worker_ends(
    queue: RedisQueue, told: list[Any], working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a hook after the function that does not end by being canceled
    began, go_on = asyncio.Event(), asyncio.Event()

    async def after(ctx: Context) -> None:
        began.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    await queue.enqueue("f")
    worker = Worker(queue, [("f", quick)], after_process=after, grace=0.0)
    # When the worker stops
    async with working(worker):
        await began.wait()
    # Then what the function came to is settled, counted and told
    (completed,) = [event for event in told if type(event) is JobCompleted]
    assert completed.seconds is not None
    assert sum(queue.measures.runs["f", "complete"].counts) == 1
    go_on.set()


# -- ticks -----------------------------------------------------------------------------


async def test_a_job_says_of_which_tick_it_is(ticking: Any, told: list[Any]) -> None:
    task = ticking.task()
    await ticking.fire(task)
    await run_all(ticking.worker(task))
    _, completed = told
    assert (completed.task, completed.name) == ("report", "task:report")
    assert completed.tick == datetime.fromtimestamp(ticking.start, tz=UTC)


async def test_a_tick_that_a_condition_skips_is_no_ended_job(
    ticking: Any, told: list[Any]
) -> None:
    task = ticking.task(when=lambda: False)
    await ticking.fire(task)
    await run_all(ticking.worker(task))
    tick = datetime.fromtimestamp(ticking.start, tz=UTC)
    assert kinds(told) == [JobStarted, TickSkipped]
    assert told[1] == TickSkipped(
        queue="default",
        name="report",
        tick=tick,
        until=tick,
        count=1,
        reason="when",
    )


@pytest.mark.parametrize("reason", ["overlap", "paused"])
async def test_a_tick_is_skipped_while_it_must_not_run(
    *,
    redis: Any,
    ticking: Any,
    queue: RedisQueue,
    told: list[Any],
    reason: str,
) -> None:
    # Given a task that is paused, or whose tick before still waits
    task = ScheduledTask(quick, await interval(redis), "report")
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    if reason == "paused":
        await redis.hset(queue.keys.paused, "report", '{"at": 1, "note": ""}')
    else:
        await make_due(redis, queue, task)
        await scheduler.step()
    # When its next tick is due
    await make_due(redis, queue, task)
    await scheduler.step()
    await close_backgrounds()
    # Then it is told of once
    (skipped,) = [event for event in told if isinstance(event, TickEvent)]
    assert type(skipped) is TickSkipped
    assert (skipped.name, skipped.count, skipped.reason) == ("report", 1, reason)


async def test_ticks_that_nobody_was_there_for_are_missed(
    ticking: Any, queue: RedisQueue, told: list[Any]
) -> None:
    end = datetime.fromtimestamp(ticking.start + 60, tz=UTC)
    task = ticking.task(ends_at=end)
    scheduler = Scheduler(queue, [task])
    await scheduler.step()
    await ticking.redis.zadd(queue.keys.due, {member_of(task): ticking.start})
    await scheduler.step()
    await close_backgrounds()
    assert told == [
        TickMissed(
            queue="default",
            name="report",
            tick=datetime.fromtimestamp(ticking.start, tz=UTC),
            until=end,
            count=2,
            reason="catchup_window",
        )
    ]
    assert queue.measures.ticks == {("missed", "catchup_window"): 2}


# -- the success of a schedule ---------------------------------------------------------


async def successes(queue: RedisQueue) -> dict[str, float]:
    redis: Any = queue.redis
    found = await redis.hgetall(queue.keys.succeeded)
    return {name.decode(): float(at) for name, at in found.items()}


async def test_the_last_success_of_a_task_is_noted(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task()
    for minute in (0, 1):
        await ticking.fire(task, minute)
        await ticking.worker(task).process()
        (record, *_) = await ticking.records()
        assert await successes(queue) == {"report": record.at.timestamp()}


@pytest.mark.parametrize("outcome", ["error", "skip", "cancel"])
async def test_what_did_not_go_well_is_no_success(
    ticking: Any, queue: RedisQueue, outcome: str
) -> None:
    async def f(ctx: Context) -> None:
        raise Discard("gone") if outcome == "cancel" else ValueError

    task = ticking.task(f, when=lambda: outcome != "skip")
    await ticking.fire(task)
    await ticking.worker(task).process()
    assert len(await ticking.records()) == 1
    assert await successes(queue) == {}


async def test_a_manual_run_is_a_success_too(ticking: Any, queue: RedisQueue) -> None:
    task = ticking.task(run_on_start=True)
    await Scheduler(queue, [task]).sync()
    await ticking.worker(task).process()
    assert await ticking.outcomes() == [("manual", 1)]
    assert list(await successes(queue)) == ["report"]


# -- workers and the server ------------------------------------------------------------


async def test_a_worker_says_when_it_begins_and_ends(
    queue: RedisQueue, redis_url: str, told: list[Any]
) -> None:
    other = RedisQueue(open_client(redis_url), "mail")
    worker = Worker([queue, other], [("f", quick)], burst=True)
    await worker.start()
    await other.disconnect()
    names: dict[str, Any] = {"worker": worker.id, "queues": ("default", "mail")}
    assert told == [WorkerStarted(**names), WorkerStopped(**names)]


async def test_a_worker_says_that_it_has_ended_although_its_last_hook_fails(
    queue: RedisQueue, told: list[Any]
) -> None:
    async def fail(ctx: Context) -> None:
        raise ValueError("no floppy")

    worker = Worker(queue, [("f", quick)], shutdown=fail, burst=True)
    with pytest.raises(ValueError, match="no floppy"):
        await worker.start()
    assert kinds(told) == [WorkerStarted, WorkerStopped]


async def test_a_worker_that_could_not_begin_says_nothing(
    queue: RedisQueue, told: list[Any]
) -> None:
    async def fail(ctx: Context) -> None:
        raise ValueError("no table")

    with pytest.raises(ValueError, match="no table"):
        await Worker(queue, [("f", quick)], startup=fail).start()
    assert told == []


async def test_a_server_that_goes_away_and_comes_back_is_told_of_once(
    tmp_path: Path, told: list[Any], working: Any, eventually: Eventually
) -> None:
    with EmbeddedServer(tmp_path / "data") as server:
        queue = RedisQueue(open_client(server.url))
        async with working(Worker(queue, [("f", quick)])):
            await queue.enqueue("f")
            await eventually(lambda: queue.complete == 1)
            # When the server is gone for a while
            await asyncio.to_thread(server.stop)
            await eventually(lambda: RedisAway in kinds(told))
            await asyncio.to_thread(server.start)
            await eventually(lambda: RedisBack in kinds(told))
        await queue.disconnect()
    # Then both are told
    (away,) = [event for event in told if type(event) is RedisAway]
    (back,) = [event for event in told if type(event) is RedisBack]
    assert away.error
    assert back.seconds > 0


async def quick(ctx: Context) -> str:
    return "done"


def shown(job: Any) -> Settlement:
    """What shows a job to run."""
    job.status, job.attempts, job.worker_id = Status.ACTIVE, 1, "dead"
    return endings.running(job)


async def interval(redis: Any) -> int:
    """An interval whose newest tick was seconds ago and whose next is years away."""
    seconds, _ = await redis.time()
    return int(seconds - 2) // 12 * 2


async def make_due(redis: Any, queue: RedisQueue, task: ScheduledTask) -> None:
    """Let the newest tick be due, as if it had not been dealt with."""
    assert isinstance(task.schedule, int)
    seconds, _ = await redis.time()
    newest = seconds // task.schedule * task.schedule
    await redis.hdel(queue.keys.last, task.name)
    await redis.zadd(queue.keys.due, {member_of(task): newest})
