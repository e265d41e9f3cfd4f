from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import RedisQueue, Worker, endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims
from jtc.queue.redis_queue import FAILED_TTL
from jtc.queue.settlement import Settlement

Claim = Callable[..., Awaitable[ClaimedJob]]


@pytest.fixture
def claim(queue: RedisQueue) -> Claim:
    """Enqueue a job and claim it, as a worker that begins an attempt."""

    async def take(worker: str = "w1", **fields: Any) -> ClaimedJob:
        await queue.enqueue("f", **{"key": "one"} | fields)
        (job,) = (await Claims(queue, worker).take(1)).jobs
        endings.begin(job, worker=worker)
        return job

    return take


async def traces(redis: Redis, queue: RedisQueue) -> dict[str, int]:
    """How much the queue still knows of unfinished jobs."""
    return {
        "queued": await queue.count("queued"),
        "active": await queue.count("active"),
        "incomplete": await queue.count("incomplete"),
        "claims": await redis.hlen(queue.keys.claims),  # type: ignore[misc]
    }


NOTHING = {"queued": 0, "active": 0, "incomplete": 0, "claims": 0}
WAITING = {"queued": 1, "active": 0, "incomplete": 1, "claims": 0}
RUNNING = {"queued": 0, "active": 1, "incomplete": 1, "claims": 1}


async def test_a_completed_job_keeps_its_result_for_its_ttl(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(ttl=60)
    assert await queue.settle(endings.completed(job, {"n": 1}))
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result) == (Status.COMPLETE, {"n": 1})
    assert 0 < await redis.ttl(job.id) <= 60
    assert await traces(redis, queue) == NOTHING


async def test_a_ttl_of_zero_keeps_the_result_for_good(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(ttl=0)
    assert await queue.settle(endings.completed(job, 1))
    assert await redis.ttl(job.id) == -1


async def test_a_ttl_below_zero_keeps_nothing(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(ttl=-1)
    assert await queue.settle(endings.completed(job, 1))
    assert await redis.exists(job.id) == 0
    assert await traces(redis, queue) == NOTHING


@pytest.mark.parametrize(
    ("ttl", "kept"), [(600, FAILED_TTL), (FAILED_TTL * 2, FAILED_TTL * 2), (0, -1)]
)
@pytest.mark.fault("H27")
async def test_a_failed_job_is_kept_for_a_week_and_listed(
    redis: Redis, queue: RedisQueue, claim: Claim, ttl: int, kept: int
) -> None:
    job = await claim(ttl=ttl)
    assert await queue.settle(endings.failed(job, "boom"))
    assert await redis.zrange("jtc:default:failed", 0, -1) == [job.id.encode()]
    assert kept - 5 <= await redis.ttl(job.id) <= kept
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.error) == (Status.FAILED, "boom")
    assert await traces(redis, queue) == NOTHING


async def test_a_retry_without_delay_waits_once(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(retries=2)
    assert await queue.settle(endings.retried(job, "boom"))
    assert await traces(redis, queue) == WAITING
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.attempts, stored.error) == (Status.QUEUED, 1, "boom")


async def test_a_retry_with_delay_waits_for_its_time(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(retries=2, retry_delay=30)
    assert await queue.settle(endings.retried(job, "boom"))
    assert await queue.count("queued") == 0
    wait = await queue.promote()
    assert wait is not None
    assert 25 < wait <= 30


async def test_the_retry_of_a_delayed_job_runs_once(
    redis: Redis, queue: RedisQueue
) -> None:
    # Given a job whose time has come
    seconds, _ = await redis.time()
    await queue.enqueue("f", key="one", scheduled=seconds - 10, retries=2)
    await queue.promote()
    (job,) = (await Claims(queue, "w1").take(5)).jobs
    # When it is tried again
    await queue.settle(endings.retried(job, "boom"))
    await queue.promote()
    # Then the old time does not queue it a second time
    batch = await Claims(queue, "w1").take(5)
    assert (len(batch.jobs), batch.met) == (1, 1)


async def test_a_released_job_is_the_next_and_has_spent_no_try(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim()
    await queue.enqueue("f", key="two")
    assert await queue.settle(endings.released(job))
    batch = await Claims(queue, "w2").take(5)
    assert [job.key for job in batch.jobs] == ["one", "two"]
    assert batch.jobs[0].attempts == 0


async def test_an_update_keeps_the_claim(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim()
    await job.update(progress=0.5)
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.progress) == (Status.ACTIVE, 0.5)
    assert await traces(redis, queue) == RUNNING
    assert await queue.settle(endings.completed(job, None))


@pytest.mark.parametrize("ending", ["completed", "failed", "retried", "released"])
@pytest.mark.fault("H7")
async def test_a_late_outcome_changes_nothing_after_recovery(
    redis: Redis, queue: RedisQueue, claim: Claim, ending: str
) -> None:
    # Given an attempt whose job was recovered and is run by another worker
    old = await claim("w1")
    other = Claims(queue, "w2")
    await other.renew()
    await redis.zadd(queue.keys.workers, {"w1": 1})
    (job,) = (await other.recover()).taken.jobs
    await queue.settle(endings.lost(job))
    (new,) = (await other.take(1)).jobs
    before = await redis.get(new.id)
    # When
    late = {
        "completed": lambda: endings.completed(old, "late"),
        "failed": lambda: endings.failed(old, "late"),
        "retried": lambda: endings.retried(old, "late"),
        "released": lambda: endings.released(old),
    }[ending]()
    applied = await queue.settle(late)
    # Then
    assert not applied
    assert await redis.get(new.id) == before
    assert await traces(redis, queue) == RUNNING
    assert await queue.enqueue("f", key="one") is None


async def test_a_late_outcome_by_saqs_methods_is_dropped_and_logged(
    redis: Redis,
    queue: RedisQueue,
    claim: Claim,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = await claim()
    await redis.hset(queue.keys.claims, job.id, "w2 1")  # type: ignore[misc]
    with caplog.at_level(logging.WARNING):
        await job.finish(Status.COMPLETE, result="late")
    assert [record.__dict__["action"] for record in caplog.records] == ["stale_settle"]
    assert await traces(redis, queue) == RUNNING


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.fault("H31")
async def test_an_update_cannot_resurrect_a_finished_job(
    redis: Redis, queue: RedisQueue, claim: Claim, claimed: bool
) -> None:
    job = await claim(ttl=60)
    copy = job if claimed else await queue.job("one")
    assert copy is not None
    await queue.settle(endings.completed(job, "done"))
    await copy.update(status=Status.ACTIVE, progress=0.1)
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result) == (Status.COMPLETE, "done")
    assert await redis.ttl(job.id) > 0


async def test_an_update_in_the_same_call_cannot_resurrect_a_finished_job(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(ttl=60)
    update = endings.running(job)
    done = endings.completed(job, "done")
    applied, late = await asyncio.gather(queue.settle(done), queue.settle(update))
    assert (applied, late) == (True, False)
    stored = await queue.job("one")
    assert stored is not None
    assert stored.status == Status.COMPLETE
    assert await redis.ttl(job.id) > 0


async def test_of_two_outcomes_in_the_same_call_the_first_stands(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim()
    claim_, id_ = job.claim, job.id
    release = endings.released(job)
    done = Settlement(id_, claim_, "done", b"{}", 60, "complete")
    applied, late = await asyncio.gather(queue.settle(release), queue.settle(done))
    assert (applied, late) == (True, False)
    assert await traces(redis, queue) == WAITING


async def test_somebody_without_the_claim_cannot_end_a_running_job(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    await claim()
    stranger = await queue.job("one")
    assert stranger is not None
    await stranger.finish(Status.COMPLETE, result="mine")
    assert await traces(redis, queue) == RUNNING


async def test_a_waiting_job_may_be_changed_by_anybody(
    redis: Redis, queue: RedisQueue
) -> None:
    job = await queue.enqueue("f", key="one")
    assert job is not None
    await job.update(meta={"note": "hello"})
    stored = await queue.job("one")
    assert stored is not None
    assert stored.meta == {"note": "hello"}
    await stored.finish(Status.FAILED, error="not needed")
    assert await queue.count("incomplete") == 0
    assert (await Claims(queue, "w1").take(5)).jobs == ()


async def test_saqs_retry_queues_the_job_again(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim(retries=3)
    await job.retry("again")
    assert await traces(redis, queue) == WAITING
    assert queue.retried == 1


@pytest.mark.parametrize("status", [Status.COMPLETE, Status.FAILED])
async def test_saqs_retry_of_a_job_that_has_ended_runs_it_again(
    redis: Redis, queue: RedisQueue, claim: Claim, status: Status
) -> None:
    job = await claim()
    await job.finish(status, error="boom")
    seen = await queue.job("one")
    assert seen is not None
    await seen.retry("once more")
    assert await traces(redis, queue) == WAITING
    assert await redis.zcard(queue.keys.failed) == 0
    assert (await redis.ttl(job.id)) == -1


async def test_saqs_retry_of_a_job_that_runs_is_dropped(
    redis: Redis,
    queue: RedisQueue,
    claim: Claim,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await claim()
    seen = await queue.job("one")
    assert seen is not None
    await seen.retry("once more")
    assert await traces(redis, queue) == RUNNING
    assert "Dropped 'retry' for job one" in caplog.text


async def test_many_outcomes_go_out_in_one_call(
    redis: Redis, queue: RedisQueue
) -> None:
    await queue.enqueue_many([saq.Job("f") for _ in range(300)])
    jobs = (await Claims(queue, "w1").take(300)).jobs
    await queue.settle(endings.running(jobs[0]))
    await redis.config_resetstat()
    assert all(
        await asyncio.gather(*(queue.settle(endings.completed(j, 1)) for j in jobs))
    )
    stats: dict[str, Any] = await redis.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] <= 2
    assert await traces(redis, queue) == NOTHING


async def test_each_end_of_an_attempt_is_published(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    async with redis.pubsub() as listener:
        await listener.subscribe("saq:job:default:one")
        job = await claim()
        await queue.settle(endings.running(job))
        await queue.settle(endings.completed(job, 1))
        words: list[bytes] = []
        while len(words) < 2:
            message = await listener.get_message(timeout=5)
            assert message is not None
            words += [message["data"]] if message["type"] == "message" else []
    assert words == [b"active", b"complete"]


async def test_an_end_is_published_to_who_listens_by_a_pattern(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    # As SAQ's tools do
    async with redis.pubsub() as listener:
        await listener.psubscribe("saq:job:default:*")
        await listener.get_message(timeout=5)
        await queue.settle(endings.completed(await claim(), 1))
        message = await listener.get_message(timeout=5)
    assert message is not None
    assert (message["channel"], message["data"]) == (
        b"saq:job:default:one",
        b"complete",
    )


async def test_nothing_is_published_while_nobody_listens(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    await redis.config_resetstat()
    async with redis.pubsub() as listener:
        await listener.subscribe("saq:job:default:another")
        await listener.get_message(timeout=5)
        await queue.settle(endings.completed(await claim(), 1))
    assert "cmdstat_publish" not in await redis.info("commandstats")


async def test_who_may_not_ask_for_listeners_publishes(
    redis: Redis, queue: RedisQueue, claim: Claim
) -> None:
    job = await claim()
    # Given a user of the server who may do what a worker does, and no more
    await redis.config_resetstat()
    command: Any = redis.execute_command
    await command("ACL SETUSER", "default", "-pubsub")
    try:
        assert await queue.settle(endings.completed(job, 1))
        stats = await redis.info("commandstats")
    finally:
        await command("ACL SETUSER", "default", "+@all")
    assert stats["cmdstat_publish"]["calls"] == 1


class _Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no text form")


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ({1: 2 + 3j}, {"1": "(2+3j)"}),
        ("\udc80", "'\\udc80'"),
        (_Mute(), "<_Mute>"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (2**80, 2**80),
        ([float("inf"), None], [float("inf"), None]),
    ],
    ids=["nested", "surrogate", "mute", "date", "huge", "endless"],
)
@pytest.mark.fault("H15")
async def test_a_result_without_a_form_in_json_is_kept_as_text_and_not_run_again(
    queue: RedisQueue, result: object, kept: object
) -> None:
    runs = []

    async def f(ctx: dict[str, Any]) -> object:
        runs.append(1)
        return result

    await queue.enqueue("f", key="one", retries=3)
    await Worker(queue, [("f", f)], burst=True).start()
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result, len(runs)) == (Status.COMPLETE, kept, 1)


@pytest.mark.parametrize("value", [object(), "\udc80", _Mute()])
async def test_a_meta_without_a_form_in_json_does_not_lose_the_job(
    redis: Redis, queue: RedisQueue, value: object
) -> None:
    async def f(ctx: dict[str, Any]) -> str:
        ctx["job"].meta["bad"] = value
        ctx["job"].meta["self"] = ctx["job"].meta
        return "done"

    await queue.enqueue("f", key="one")
    await Worker(queue, [("f", f)], burst=True).start()
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result) == (Status.COMPLETE, "done")
    assert isinstance(stored.meta, dict)
    assert await traces(redis, queue) == NOTHING


async def test_a_function_that_changes_its_arguments_gets_them_unchanged_next_time(
    queue: RedisQueue,
) -> None:
    seen: list[list[Any]] = []

    async def f(ctx: dict[str, Any], *, items: list[Any]) -> None:
        seen.append(list(items))
        items.append(object())
        raise ValueError("boom")

    await queue.enqueue("f", key="one", retries=2, items=[1, 2])
    await Worker(queue, [("f", f)], burst=True).start()
    assert seen == [[1, 2], [1, 2]]
    stored = await queue.job("one")
    assert stored is not None
    assert stored.kwargs == {"items": [1, 2]}


async def test_a_function_that_changed_its_arguments_completes(
    queue: RedisQueue,
) -> None:
    async def f(ctx: dict[str, Any], *, items: list[Any]) -> int:
        items.append(object())
        return len(items)

    await queue.enqueue("f", key="one", items=[])
    await Worker(queue, [("f", f)], burst=True).start()
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result) == (Status.COMPLETE, 1)
