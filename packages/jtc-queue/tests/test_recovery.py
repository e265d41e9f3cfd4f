from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from saq.job import Status

from jtc.queue import RedisQueue, Worker, endings, lease, lease_time, upkeep
from jtc.queue.attempt import Attempt
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims

Eventually = Callable[..., Awaitable[Any]]
StartWorker = Callable[..., subprocess.Popen[str]]


async def work(ctx: dict[str, Any], *, seconds: float) -> str:
    return f"attempt {ctx['job'].attempts}"


FUNCTIONS = [("work", work), ("until", work)]


async def die_holding(
    redis: Redis, queue: RedisQueue, worker: str, *, limit: int = 1000
) -> tuple[ClaimedJob, ...]:
    """Let a worker claim jobs and look dead."""
    jobs = (await Claims(queue, worker).take(limit)).jobs
    await redis.zadd(queue.keys.workers, {worker: 1})
    return jobs


async def living(queue: RedisQueue, worker: str) -> Claims:
    holder = Claims(queue, worker)
    await holder.renew()
    return holder


async def recover(queue: RedisQueue, holder: Claims) -> list[ClaimedJob]:
    """Take over and give back, as a worker does."""
    taken = list((await holder.recover()).taken.jobs)
    for job in taken:
        await queue.settle(endings.lost(job))
    return taken


# -- a worker that was killed ----------------------------------------------------------


def test_a_job_is_recovered_within_twenty_seconds_of_its_workers_death() -> None:
    # A lease that was renewed just before, and a round of recovery just before its end;
    # the rest is for the round itself and the claim.
    assert lease_time.LEASE_MS / 1000 + upkeep.RECOVER_EVERY <= 20 - 1


def test_whoever_was_about_to_renew_comes_back_before_its_lease_is_taken() -> None:
    # An outage that is a little too short for everybody to get one more lease
    outage = lease_time.LEASE_MS / 1000 * lease_time.QUIET
    retry = lease.RENEW_EVERY * lease.RETRY
    # Also where the event loop does not turn and the thread renews in its place
    longest = lease.RENEW_EVERY * lease.LATE
    assert longest + outage + retry < lease_time.LEASE_MS / 1000


async def test_a_renewal_is_tried_again_soon_however_long_the_server_is_away(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(queue, [("work", work)])
    station = worker._stations[0]
    upkeep_of_it = station.upkeep()
    error: Exception = RedisConnectionError("refused")

    async def fail(*, look: bool) -> None:
        raise error

    monkeypatch.setattr(station.claims, "recover", fail)
    for _ in range(9):
        assert await upkeep_of_it.recover() == upkeep.RECOVER_EVERY * lease.RETRY
    # What is no outage is a fault, and is told
    error = ValueError("a fault")
    with pytest.raises(ValueError, match="a fault"):
        await upkeep_of_it.recover()


@pytest.mark.slow
@pytest.mark.fault("H8")
async def test_the_job_of_a_killed_worker_runs_elsewhere(
    *,
    queue: RedisQueue,
    start_worker: StartWorker,
    noted: Any,
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a job that may be tried once, and the real times
    await queue.enqueue("work", key="one", seconds=60)
    killed = start_worker("w1")
    await noted("one began w1")
    async with working(Worker(queue, FUNCTIONS, id="w2")):
        # When
        killed.kill()
        # Then
        await eventually(lambda: queue.complete == 1, within=60)
    job = await queue.job("one")
    assert job is not None
    assert (job.result, job.meta["kills"]) == ("attempt 1", 1)
    assert "Recovered job one (work): its worker w1 died." in caplog.text


async def test_a_job_that_kills_its_workers_is_parked(
    redis: Redis, queue: RedisQueue, start_worker: StartWorker, notes: Any
) -> None:
    await queue.enqueue("die", key="one", retries=9)
    live = await living(queue, "live")
    for n in range(3):
        process = start_worker(f"w{n}")
        await asyncio.to_thread(process.wait, 60)
        assert process.returncode == -signal.SIGKILL
        # Its lease runs out
        await live.renew()
        await redis.zadd(queue.keys.workers, {f"w{n}": 1}, xx=True)
        assert len(await recover(queue, live)) == 1
    job = await queue.job("one")
    assert job is not None
    assert job.status == Status.FAILED
    assert (job.error or "").startswith("poison: 3 workers died")
    assert await redis.zcard(queue.keys.failed) == 1
    assert await notes() == ["one died w0", "one died w1", "one died w2"]


# -- a worker whose event loop is blocked ----------------------------------------------


@pytest.mark.slow
async def test_a_worker_whose_loop_is_blocked_loses_nothing_and_doubles_nothing(
    *,
    redis: Redis,
    queue: RedisQueue,
    start_worker: StartWorker,
    notes: Any,
    noted: Any,
    eventually: Eventually,
) -> None:
    # Given a worker that runs nine jobs
    workers = [start_worker("w1", quick=True)]
    for n in range(9):
        await queue.enqueue("work", key=f"beside{n}", seconds=5)
    for n in range(9):
        await noted(f"beside{n} began w1")
    # When the tenth blocks its event loop for several leases
    await queue.enqueue("block", key="block", seconds=5)
    await noted("block began w1")
    # And another worker is there, and more jobs come
    workers.append(start_worker("w2", quick=True))
    for n in range(20):
        await queue.enqueue("work", key=f"later{n}", seconds=0.1)

    async def nothing_is_left() -> bool:
        return await queue.count("incomplete") == 0

    await eventually(nothing_is_left, within=90)
    logs = [await stop(worker) for worker in workers]
    # Then nobody took anything from anybody
    words = [line.split() for line in await notes()]
    assert len({key for key, word, _ in words if word == "began"}) == 30
    assert len(words) == 60, words
    assert "Recovered" not in "".join(logs)
    assert "Stopping the attempt" not in "".join(logs)


async def stop(worker: subprocess.Popen[str]) -> str:
    """Let a worker end and return its log."""
    worker.send_signal(signal.SIGTERM)
    _, log = await asyncio.to_thread(worker.communicate, timeout=60)
    assert worker.returncode == 0, log
    return log


# -- a worker that stood still ---------------------------------------------------------


@pytest.mark.usefixtures("short_lease")
@pytest.mark.fault("H7")
async def test_a_frozen_worker_that_was_replaced_changes_nothing_afterwards(
    *,
    redis: Redis,
    queue: RedisQueue,
    start_worker: StartWorker,
    noted: Any,
    working: Any,
    eventually: Eventually,
) -> None:
    # Given a worker with a long job and one that ends as soon as it goes on
    await queue.enqueue("work", key="long", seconds=60)
    await queue.enqueue("until", key="short", seconds=2)
    frozen = start_worker("w1", quick=True)
    await noted("long began w1")
    await noted("short began w1")
    # When it stands still and another does its work
    frozen.send_signal(signal.SIGSTOP)
    async with working(Worker(queue, FUNCTIONS, id="w2")):
        await eventually(lambda: queue.complete == 2)
        await asyncio.sleep(1)
    # When it goes on, later than the short job's end
    frozen.send_signal(signal.SIGCONT)
    await noted("long canceled w1")
    log = await stop(frozen)
    # Then
    results = [job.result if job else None for job in await queue.jobs(KEYS)]
    assert results == ["attempt 1", "attempt 1"]
    assert "Stopping the attempt at job long: another worker has it now." in log
    refused = "Dropped the outcome of job saq:job:default:short"
    stopped = "Stopping the attempt at job short: another worker has it now."
    assert refused in log or stopped in log
    assert "The lease of worker w1 had run out" in log


KEYS = ["long", "short"]


async def test_an_attempt_that_would_begin_long_after_its_claim_is_given_back(
    queue: RedisQueue,
) -> None:
    # Given a worker that stands still between the claim and the first step of its job
    ran: list[str] = []

    async def f(ctx: dict[str, Any]) -> None:
        ran.append(ctx["job"].key)

    await queue.enqueue("f", key="one")
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")
    attempt = Attempt(job, now=0.0)
    attempt.started -= 60
    # When it goes on
    settlement = await attempt.run({"f": f}, {}, None)
    # Then others may have the job by now: it is given back and has spent no try
    assert ran == []
    assert settlement is not None
    assert settlement.kind == "release"
    assert await queue.settle(settlement)
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.attempts) == (Status.QUEUED, 0)


# -- recovery, step by step ------------------------------------------------------------


async def test_a_recovered_job_has_spent_no_try(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("work", key="one", seconds=0)
    two = await living(queue, "w2")
    await die_holding(redis, queue, "w1")
    (job,) = await recover(queue, two)
    assert job.worker_id == "w1"
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.attempts) == (Status.QUEUED, 0)
    assert await queue.count("queued") == 1
    assert await redis.zscore(queue.keys.workers, "w1") is None


async def test_an_attempt_that_was_shown_is_not_counted_either(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("work", key="one", seconds=0)
    two = await living(queue, "w2")
    (job,) = await die_holding(redis, queue, "w1")
    endings.begin(job, worker="w1")
    await queue.settle(endings.running(job))
    await recover(queue, two)
    stored = await queue.job("one")
    assert stored is not None
    assert stored.attempts == 0


async def test_after_three_dead_workers_a_job_is_parked(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("work", key="one", seconds=0, retries=9)
    live = await living(queue, "live")
    for n in range(3):
        await die_holding(redis, queue, f"w{n}")
        assert len(await recover(queue, live)) == 1
    stored = await queue.job("one")
    assert stored is not None
    assert stored.status == Status.FAILED
    assert stored.kwargs == {"seconds": 0}
    assert await redis.zrange(queue.keys.failed, 0, -1) == [stored.id.encode()]
    assert await queue.count("incomplete") == 0


async def test_the_jobs_of_a_living_worker_are_left_alone(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue("work", key="one", seconds=0)
    one, two = await living(queue, "w1"), await living(queue, "w2")
    (job,) = (await one.take(1)).jobs
    found = await two.recover()
    assert (found.taken.jobs, found.held) == ((), set())
    assert (await one.recover()).held == {(job.id, job.claim)}


@pytest.mark.fault("H17")
async def test_two_who_recover_at_once_share_nothing(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue_many([saq.Job("work") for _ in range(150)])
    holders = [await living(queue, name) for name in ("a", "b")]
    await die_holding(redis, queue, "dead")
    found = await asyncio.gather(*(holder.recover() for holder in holders))
    keys = [job.key for each in found for job in each.taken.jobs]
    assert len(keys) == len(set(keys)) == 150


@pytest.mark.usefixtures("short_lease")
@pytest.mark.fault("H17")
async def test_hundreds_of_orphans_are_recovered_and_run(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    ran: list[str] = []

    async def f(ctx: dict[str, Any]) -> None:
        ran.append(ctx["job"].key)

    await queue.enqueue_many([saq.Job("f", key=str(n)) for n in range(300)])
    async with working(Worker(queue, [("f", f)], concurrency=1)) as worker:
        await eventually(lambda: worker._attempts.is_idle and len(ran) == 300)
        ran.clear()
        # When a worker dies with 300 jobs that this one has not seen
        jobs = [saq.Job("f", key=f"x{n}", scheduled=4_000_000_000) for n in range(300)]
        await queue.enqueue_many(jobs)
        ids = [job.id for job in jobs]
        async with redis.pipeline(transaction=True) as pipe:
            pipe.zadd(queue.keys.incomplete, dict.fromkeys(ids, 0))
            pipe.rpush(queue.keys.active, *ids)
            pipe.hset(queue.keys.claims, mapping=dict.fromkeys(ids, "dead 1.1"))
            pipe.zadd(queue.keys.workers, {"dead": 1})
            await pipe.execute()
        await eventually(lambda: len(ran) == 300)
    assert len(set(ran)) == 300
    assert await queue.count("incomplete") == 0
    assert await redis.hlen(queue.keys.claims) == 0  # type: ignore[misc]


async def test_a_recoverer_that_dies_in_between_loses_nothing(
    redis: Redis, queue: RedisQueue
) -> None:
    # Given jobs that were taken over from a dead worker and not yet given back
    await queue.enqueue_many([saq.Job("work") for _ in range(250)])
    first = await living(queue, "first")
    await die_holding(redis, queue, "dead")
    taken = (await first.recover()).taken.jobs
    assert len(taken) == 100
    # When the one that took them dies as well
    second = await living(queue, "second")
    await redis.zadd(queue.keys.workers, {"first": 1})
    recovered = []
    while jobs := await recover(queue, second):
        recovered += [job.key for job in jobs]
    # Then all are back, and what the first would have settled is refused
    assert len(recovered) == len(set(recovered)) == 250
    assert await queue.count("queued") == 250
    assert not await queue.settle(endings.lost(taken[0]))


@pytest.mark.usefixtures("short_lease")
@pytest.mark.fault("H16")
async def test_an_orphan_that_is_no_job_does_not_stop_recovery(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    for key in ("bad", "gone", "good"):
        await queue.enqueue("work", key=key, seconds=0)
    await die_holding(redis, queue, "dead")
    await redis.set(queue.job_id("bad"), b'{"queue":"default","key":[]}')
    await redis.delete(queue.job_id("gone"))
    async with working(Worker(queue, FUNCTIONS)):
        # A worker that comes to a queue whose workers are all dead waits a lease.
        await redis.zadd(queue.keys.workers, {"dead": 1})
        await eventually(lambda: queue.complete == 1)

        async def nothing_is_left() -> bool:
            return await queue.count("incomplete") == 0

        await eventually(nothing_is_left)
    bad = queue.job_id("bad").encode()
    assert await redis.zrange(queue.keys.failed, 0, -1) == [bad]


# -- the server knows something else than the worker -----------------------------------


@pytest.mark.usefixtures("short_lease")
async def test_an_attempt_that_the_server_has_forgotten_is_stopped_and_run_again(
    redis: Redis,
    queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs: list[str] = []

    async def f(ctx: dict[str, Any]) -> str:
        runs.append("began")
        if len(runs) == 1:
            try:
                await asyncio.sleep(60)
            finally:
                runs.append("stopped")
        return "again"

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: runs)
        # When the server goes back to the time before the claim
        job_id = queue.job_id("one")
        async with redis.pipeline(transaction=True) as pipe:
            pipe.hdel(queue.keys.claims, job_id)
            pipe.lrem(queue.keys.active, 0, job_id)
            pipe.rpush(queue.keys.queued, job_id)
            await pipe.execute()
        await eventually(lambda: queue.complete == 1 and "stopped" in runs)
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.result) == (Status.COMPLETE, "again")
    actions = [record.__dict__.get("action") for record in caplog.records]
    assert actions.count("attempt_fenced") == 1
    assert await queue.count("incomplete") == 0


@pytest.mark.usefixtures("short_lease")
async def test_a_claim_that_the_worker_does_not_know_is_released(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queue, FUNCTIONS, id="w1")):
        # When the server says that the worker holds three jobs it never heard of
        for key in ("one", "bad", "gone"):
            await queue.enqueue("work", key=key, seconds=0, scheduled=4_000_000_000)
        await redis.set(queue.job_id("bad"), b"{oops")
        await redis.delete(queue.job_id("gone"))
        for key in ("one", "bad", "gone"):
            job_id = queue.job_id(key)
            async with redis.pipeline(transaction=True) as pipe:
                pipe.zadd(queue.keys.incomplete, {job_id: 0})
                pipe.rpush(queue.keys.active, job_id)
                pipe.hset(queue.keys.claims, job_id, "w1 former.7")
                await pipe.execute()

        async def nothing_is_left() -> bool:
            return await queue.count("incomplete") == 0

        await eventually(nothing_is_left)
    job = await queue.job("one")
    assert job is not None
    assert (job.result, job.meta) == ("attempt 1", {})
    assert await redis.zcard(queue.keys.failed) == 1


async def test_a_claim_that_will_be_asked_for_again_is_left_alone(
    *,
    redis: Redis,
    queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a claim whose reply takes many rounds of recovery, and a lease that lasts
    # where a machine stands still for a moment
    monkeypatch.setattr(upkeep, "RECOVER_EVERY", 0.1)
    ran: list[int] = []

    async def f(ctx: dict[str, Any]) -> None:
        ran.append(ctx["job"].attempts)

    run = queue.scripts.run

    async def answer_late(name: str, keys: list[str], args: list[Any]) -> Any:
        reply = await run(name, keys, args)
        if name == "claim" and len(reply) > 2:
            await asyncio.sleep(1)
        return reply

    monkeypatch.setattr(queue.scripts, "run", answer_late)
    await queue.enqueue("f", key="one")
    with caplog.at_level(logging.WARNING):
        async with working(Worker(queue, [("f", f)])):
            await eventually(lambda: queue.complete == 1)
    assert ran == [1]
    assert caplog.records == []


async def test_a_job_that_is_parked_as_poison_is_an_error_in_the_log(
    redis: Redis, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a job that two workers have died of, and a third
    await queue.enqueue("work", key="one", seconds=0, meta={"kills": 2})
    worker = Worker(queue, FUNCTIONS, id="live")
    station = worker._stations[0]
    await station.claims.renew()
    await die_holding(redis, queue, "w1")
    # When it is taken over
    with caplog.at_level(logging.WARNING, "jtc.queue.upkeep"):
        await station.upkeep().recover()
        await worker._attempts.wait_until_idle()
    # Then nobody reads that it goes on
    (record,) = [r for r in caplog.records if r.name == "jtc.queue.upkeep"]
    assert record.levelno == logging.ERROR
    assert "Job one (work) failed: poison: 3 workers died" in record.getMessage()
