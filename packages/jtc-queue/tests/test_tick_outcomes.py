from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from saq.job import Status

from jtc.queue import FailedJobs, RedisQueue, Worker, endings
from jtc.queue.claims import Claims
from jtc.queue.settlement import Settlement
from jtc.queue.tick_end import TickEnd
from jtc.queue.tick_record import read_tick_record

Eventually = Callable[..., Awaitable[Any]]


async def boom(ctx: dict[str, Any]) -> None:
    raise ValueError("no figures")


async def test_a_run_is_recorded_with_what_there_is_to_know(ticking: Any) -> None:
    # Given
    task = ticking.task()
    await ticking.fire(task)
    assert await ticking.records() == []
    # When
    worker = ticking.worker(task)
    await worker.process()
    # Then
    (record,) = await ticking.records()
    tick = datetime.fromtimestamp(ticking.start, tz=UTC)
    assert (record.name, record.tick, record.until) == ("report", tick, tick)
    assert (record.outcome, record.count, record.attempts) == ("ran", 1, 1)
    assert record.worker == worker.id
    assert record.job == f"report@{tick:%Y-%m-%dT%H:%M:%SZ}"
    assert record.error is None
    assert tick < record.started <= record.at
    assert record.late == pytest.approx((record.started - tick).total_seconds())
    assert 0 <= record.duration <= record.late


async def test_only_the_last_attempt_is_recorded(ticking: Any) -> None:
    task = ticking.task(boom, tries=2)
    await ticking.fire(task)
    worker = ticking.worker(task)
    await worker.process()
    assert await ticking.records() == []
    await worker.process()
    (record,) = await ticking.records()
    assert (record.outcome, record.attempts) == ("ran", 2)
    assert record.error == "ValueError: no figures"


async def test_what_is_given_back_is_not_recorded(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task()
    await ticking.fire(task)
    claims = Claims(queue, "w1")
    (job,) = (await claims.take(1)).jobs
    assert await queue.settle(endings.released(job))
    assert await ticking.records() == []
    await ticking.worker(task).process()
    assert await ticking.outcomes() == [("ran", 1)]


async def test_a_tick_that_is_canceled_while_it_waits_is_recorded(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.fire(ticking.task())
    (job,) = await ticking.waiting()
    assert await queue.cancel(job.key, reason="not today")
    assert not await queue.cancel(job.key, reason="not today")
    (record,) = await ticking.records()
    assert (record.outcome, record.error) == ("ran", "canceled: not today")
    assert (record.started, record.worker, record.attempts) == (None, None, 0)


async def test_a_tick_that_is_canceled_while_it_runs_is_recorded(
    ticking: Any, queue: RedisQueue, eventually: Eventually, working: Any
) -> None:
    began = asyncio.Event()

    async def hang(ctx: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    task = ticking.task(hang)
    await ticking.fire(task)
    (job,) = await ticking.waiting()
    async with working(ticking.worker(task)):
        await began.wait()
        await queue.cancel(job.key, reason="too slow")
        (record,) = await eventually(ticking.records)
    assert (record.outcome, record.error) == ("ran", "canceled: too slow")
    assert record.attempts == 1


async def test_a_tick_that_takes_workers_down_is_recorded_once(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a tick whose workers die
    await ticking.fire(ticking.task())
    for n in range(endings.MAX_KILLS):
        dead, heir = Claims(queue, f"dead{n}"), Claims(queue, f"heir{n}")
        assert await ticking.records() == []
        await dead.take(1)
        await heir.renew()
        # When they are found to be dead
        await ticking.redis.zadd(queue.keys.workers, {f"dead{n}": 1})
        for job in (await heir.recover()).taken.jobs:
            assert await queue.settle(endings.lost(job))
    # Then
    (record,) = await ticking.records()
    assert record.outcome == "ran"
    assert record.error == "poison: 3 workers died while running this job"
    assert record.worker == "dead2"


async def test_an_attempt_that_lost_its_claim_records_nothing(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.fire(ticking.task())
    dead, heir = Claims(queue, "w1"), Claims(queue, "w2")
    (stale,) = (await dead.take(1)).jobs
    await heir.renew()
    await ticking.redis.zadd(queue.keys.workers, {"w1": 1})
    (job,) = (await heir.recover()).taken.jobs
    assert not await queue.settle(endings.completed(stale, "too late"))
    assert await ticking.records() == []
    assert await queue.settle(endings.completed(job, "done"))
    assert await ticking.outcomes() == [("ran", 1)]


async def test_two_ends_of_one_tick_in_one_call_are_one_record(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.fire(ticking.task())
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    both = [endings.running(job), endings.completed(job, 1), endings.failed(job, "no")]
    applied = await asyncio.gather(*(queue.settle(one) for one in both))
    assert applied == [True, True, False]
    assert await ticking.outcomes() == [("ran", 1)]


async def test_a_tick_is_recorded_among_ordinary_jobs(
    ticking: Any, queue: RedisQueue
) -> None:
    # Given a tick between two other jobs
    await queue.enqueue("f", key="before")
    await ticking.fire(ticking.task())
    await queue.enqueue("f", key="after", meta={"tick": "tock"})
    jobs = (await Claims(queue, "w1").take(3)).jobs
    # When they end in one call
    await asyncio.gather(*(queue.settle(endings.completed(job, 1)) for job in jobs))
    # Then
    (record,) = await ticking.records()
    assert record.job == jobs[1].key
    assert await ticking.redis.keys("*history*") == [b"jtc:default:history:report"]


async def test_a_function_cannot_lose_its_tick(ticking: Any) -> None:
    async def forgetful(ctx: dict[str, Any]) -> None:
        ctx["job"].meta = {}
        raise ValueError

    task = ticking.task(forgetful, tries=2)
    await ticking.fire(task)
    worker = ticking.worker(task)
    await worker.process()
    await worker.process()
    (record,) = await ticking.records()
    assert record.attempts == 2


async def test_a_tick_that_saq_ends_is_recorded(
    ticking: Any, queue: RedisQueue
) -> None:
    await ticking.fire(ticking.task())
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await job.finish(Status.FAILED, error="Traceback\nValueError: no")
    (record,) = await ticking.records()
    assert (record.outcome, record.error) == ("ran", "ValueError: no")


async def test_a_failed_tick_that_is_tried_again_is_a_manual_run(
    ticking: Any, queue: RedisQueue
) -> None:
    task = ticking.task(boom)
    await ticking.fire(task)
    worker = ticking.worker(task)
    await worker.process()
    await FailedJobs(queue).retry_all()
    await worker.process()
    assert await ticking.outcomes() == [("manual", 1), ("ran", 1)]


async def test_the_history_is_bounded(ticking: Any, queue: RedisQueue) -> None:
    # Given
    queue.history_length = 3
    lines = [{"tick": n, "outcome": "ran", "at": n} for n in range(5)]
    history = f"{queue.keys.history}report"
    await ticking.redis.rpush(history, *map(json.dumps, lines))
    # When
    task = ticking.task()
    await ticking.fire(task)
    await ticking.worker(task).process()
    # Then the newest are kept, and for a month
    assert [r.tick.timestamp() for r in await ticking.records()][1:] == [0, 1]
    assert 29 * 86400 < await ticking.redis.ttl(history) <= 30 * 86400


async def record(queue: RedisQueue, line: dict[str, Any], key: str = "one") -> None:
    """Let a job end that stands for a tick with this record."""
    await queue.enqueue("f", key=key)
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    end = TickEnd("report", json.dumps(line, separators=(",", ":")).encode())
    done = Settlement(job.id, job.claim, "done", b"{}", 60, "complete", tick=end)
    assert await queue.settle(done)


async def test_a_stretch_of_one_outcome_is_one_record(
    ticking: Any, queue: RedisQueue
) -> None:
    for tick in (60, 120, 180):
        await record(queue, {"tick": tick, "outcome": "skipped:when", "job": "x"})
    (one,) = await ticking.records()
    assert (one.tick.timestamp(), one.until.timestamp(), one.count) == (60, 180, 3)


async def test_a_run_ends_a_stretch(ticking: Any, queue: RedisQueue) -> None:
    for tick, outcome in ((60, "skipped:when"), (120, "ran"), (180, "skipped:when")):
        await record(queue, {"tick": tick, "outcome": outcome})
    assert await ticking.outcomes() == [
        ("skipped:when", 1),
        ("ran", 1),
        ("skipped:when", 1),
    ]


async def test_another_reason_ends_a_stretch(ticking: Any, queue: RedisQueue) -> None:
    for error in ("a", "a", "b"):
        line = {"tick": 60, "outcome": "skipped:when", "error": error}
        await record(queue, line)
    assert [(r.error, r.count) for r in await ticking.records()] == [("b", 1), ("a", 2)]


async def test_runs_are_never_merged(ticking: Any, queue: RedisQueue) -> None:
    for tick in (60, 120):
        error = 'it said "outcome":"skipped:when"'
        await record(queue, {"tick": tick, "outcome": "ran", "error": error})
    assert await ticking.outcomes() == [("ran", 1), ("ran", 1)]


async def test_a_history_that_is_none_does_not_keep_a_job_from_ending(
    ticking: Any, queue: RedisQueue
) -> None:
    history = f"{queue.keys.history}report"
    for garbage in ("no json", "[]", "7"):
        await ticking.redis.lpush(history, garbage)
        await record(queue, {"tick": 60, "outcome": "skipped:when"})
        newest = read_tick_record("report", await ticking.redis.lindex(history, 0))
        assert newest is not None
        assert newest.outcome == "skipped:when"


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"tick":"x","outcome":"ran"}'])
def test_a_line_that_is_no_record_is_passed_over(line: str) -> None:
    assert read_tick_record("report", line) is None


async def test_an_ordinary_job_costs_no_more_than_before(
    redis: Any, queue: RedisQueue
) -> None:
    async def work(ctx: dict[str, Any]) -> None:
        return None

    await queue.enqueue("work")
    worker = Worker(queue, [("work", work)])
    await redis.config_resetstat()
    await worker.process()
    stats = await redis.info("commandstats")
    touched = {name.removeprefix("cmdstat_") for name in stats}
    assert not touched & {"lindex", "hget", "exists", "lset"}
