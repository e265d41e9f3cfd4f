from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import (
    FailedJob,
    FailedJobs,
    InvalidFilter,
    RedisQueue,
    Worker,
    endings,
    failed_index,
    failed_jobs,
    upkeep,
)
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Claims
from jtc.queue.failed_job import UNREADABLE
from jtc.queue.redis_queue import FAILED_TTL

Fail = Callable[..., Awaitable[ClaimedJob]]
Working = Callable[[Worker], Any]
Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def failed(queue: RedisQueue) -> FailedJobs:
    return FailedJobs(queue)


@pytest.fixture
def fail(queue: RedisQueue) -> Fail:
    """Enqueue a job and let it fail; `age` is how many seconds ago."""

    async def run(
        key: str, error: BaseException | None = None, *, age: float = 0, **fields: Any
    ) -> ClaimedJob:
        await queue.enqueue(fields.pop("function", "f"), key=key, **fields)
        (job,) = (await Claims(queue, "w1").take(1)).jobs
        endings.begin(job, worker="w1")
        assert await queue.settle(endings.raised(job, error or ValueError("boom")))
        if age:
            await queue.redis.zincrby(queue.keys.failed, -age, job.id)
        return job

    return run


async def park(queue: RedisQueue, key: str, payload: bytes) -> None:
    """Let a worker meet something that is no job."""
    await queue.enqueue("f", key=key)
    await queue.redis.set(queue.job_id(key), payload)
    await Worker(queue, [], burst=True).start()


def ids(jobs: Any) -> list[str]:
    return [job.id for job in jobs]


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


async def test_a_failed_job_is_kept_with_all_that_is_known(
    failed: FailedJobs, fail: Fail
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await fail("one", raised(OSError("no route")), retries=1, size=3)
    (job,) = await failed.list()

    assert isinstance(job, FailedJob)
    assert (job.id, job.function, job.job_class) == ("one", "f", None)
    assert job.payload == {"size": 3}
    assert (job.exception, job.message) == ("OSError", "no route")
    assert job.traceback.startswith("Traceback")
    assert (job.attempts, job.tries, job.worker, job.raw) == (1, 1, "w1", None)
    assert job.queued_at is not None
    assert job.started_at is not None
    assert before < job.queued_at <= job.started_at
    assert abs(job.failed_at - job.started_at) < timedelta(seconds=5)
    assert await failed.get("one") == job


async def test_a_job_of_a_class_shows_its_class_and_its_payload(
    failed: FailedJobs, fail: Fail
) -> None:
    await fail("one", function="runner", job_class="a.B", payload={"size": 3})
    await fail("two", function="runner", job_class="a.B", payload={}, more=1)
    two, one = await failed.list()
    assert (one.job_class, one.payload) == ("a.B", {"size": 3})
    assert two.job_class is None
    assert set(two.payload) == {"job_class", "payload", "more"}


async def test_the_latest_comes_first_and_pages_do_not_overlap(
    failed: FailedJobs, fail: Fail
) -> None:
    for age, key in enumerate("edcba"):
        await fail(key, age=100 * (5 - age))
    assert ids(await failed.list()) == list("abcde")
    assert ids(await failed.list(limit=2)) == ["a", "b"]
    assert ids(await failed.list(limit=2, offset=2)) == ["c", "d"]
    assert ids(await failed.list(limit=2, offset=4)) == ["e"]
    assert ids(await failed.list(offset=9)) == []
    assert await failed.count() == 5


class Refused(Exception):
    pass


@pytest.fixture
async def three(fail: Fail) -> None:
    """Three failures, an hour, two hours and three hours ago."""
    runner: dict[str, Any] = {"function": "runner", "payload": {}}
    await fail("c", OSError(), age=10800, job_class="shop.jobs.Pay", **runner)
    await fail("b", Refused(), age=7200, job_class="shop.jobs.Repay", **runner)
    await fail("a", Refused(), age=3600, function="sync")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "abc"),
        ({"job_class": "shop.jobs.Pay"}, "c"),
        ({"job_class": "Pay"}, "c"),
        ({"job_class": "ay"}, ""),
        ({"function": "sync"}, "a"),
        ({"function": "runner"}, "bc"),
        ({"exception": "OSError"}, "c"),
        ({"exception": OSError}, "c"),
        ({"exception": Refused}, "ab"),
        ({"exception": "Refused"}, "ab"),
        ({"exception": f"{__name__}.Refused"}, "ab"),
        ({"exception": "Error"}, ""),
        ({"exception": Refused, "job_class": "Repay"}, "b"),
        ({"older_than": 5400}, "bc"),
        ({"older_than": timedelta(hours=2.5)}, "c"),
        ({"older_than": 0}, "abc"),
    ],
)
async def test_failures_are_found_by_what_they_have_in_common(
    failed: FailedJobs, wanted: dict[str, Any], found: str
) -> None:
    assert ids(await failed.list(**wanted)) == list(found)
    assert await failed.retry_all(**wanted) == tuple(found)


@pytest.mark.usefixtures("three")
async def test_failures_are_found_by_their_time(failed: FailedJobs) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(hours=1.5)
    assert ids(await failed.list(since=since)) == ["a"]
    between = await failed.list(since=now - timedelta(hours=2.5), older_than=5400)
    assert ids(between) == ["b"]


async def test_a_time_that_means_nothing_is_refused(failed: FailedJobs) -> None:
    with pytest.raises(InvalidFilter, match=r"since=.*with a time zone"):
        await failed.list(since=datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(InvalidFilter, match="older_than='1h'"):
        await failed.flush(older_than="1h")  # type: ignore[arg-type]


async def test_a_retried_job_has_all_its_tries_and_a_fresh_time(
    redis: Redis, queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    # Given
    big = 2**70
    job = await fail("one", retries=1, timeout=7, n=big, meta={"kills": 2, "mine": 1})
    before = await failed.get("one")
    assert before is not None
    assert before.queued_at is not None
    # When
    assert await failed.retry("one") == ("one",)
    # Then
    assert await failed.count() == 0
    assert await redis.ttl(job.id) == -1
    (again,) = (await Claims(queue, "w2").take(5)).jobs
    assert (again.status, again.attempts, again.error) == (Status.QUEUED, 0, None)
    assert (again.kwargs, again.timeout, again.retries) == ({"n": big}, 7, 1)
    assert again.meta == {"mine": 1}
    assert again.queued >= before.queued_at.timestamp() * 1000
    assert (again.started, again.completed, again.worker_id) == (0, 0, None)


async def test_a_retried_job_runs_and_leaves_nothing_behind(
    queue: RedisQueue, failed: FailedJobs
) -> None:
    runs: list[int] = []

    async def f(ctx: dict[str, Any], *, n: int) -> int:
        runs.append(n)
        if len(runs) < 3:
            raise ValueError("not yet")
        return n

    await queue.enqueue("f", key="one", n=7, retries=2)
    worker = Worker(queue, [("f", f)], burst=True)
    await worker.start()
    assert (await failed.list())[0].attempts == 2
    await failed.retry("one")
    await worker.start()
    stored = await queue.job("one")
    assert stored is not None
    assert (stored.status, stored.result, stored.attempts) == (Status.COMPLETE, 7, 1)
    assert runs == [7, 7, 7]
    assert await failed.count() == 0


async def test_what_waits_or_runs_again_is_left_alone(
    redis: Redis, queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    # Given a key that plain SAQ, which knows no list of failures, enqueued again
    job = await fail("one")
    at = await redis.zscore(queue.keys.failed, job.id)
    await queue.enqueue("f", key="one", n=2)
    assert at is not None
    await redis.zadd(queue.keys.failed, {job.id: at})
    before = await redis.get(job.id)
    # Then
    assert await failed.list() == ()
    assert await failed.get("one") is None
    assert await failed.retry("one") == ()
    assert await failed.forget("one") == ("one",)
    assert await redis.get(job.id) == before
    assert await queue.count("queued") == 1


async def test_a_job_that_is_enqueued_again_leaves_the_list(
    failed: FailedJobs, queue: RedisQueue, fail: Fail
) -> None:
    await fail("one")
    await fail("two")
    await fail("three")
    assert await queue.enqueue("f", key="one")
    assert await queue.enqueue("f", key="two", scheduled=4_000_000_000)
    assert ids(await failed.list()) == ["three"]
    assert await failed.count() == 1


async def test_what_plain_saq_enqueued_again_leaves_the_list_when_it_completes(
    redis_url: str, queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    await fail("one")
    plain = saq.Queue.from_url(redis_url)
    await plain.enqueue("f", key="one")
    await plain.disconnect()
    assert await failed.count() == 1
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(job, worker="w1")
    assert await queue.settle(endings.completed(job, 1))
    assert await failed.count() == 0


async def test_a_failure_that_changed_since_it_was_read_is_not_undone(
    redis: Redis, queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    # Given two who look at one failure
    job = await fail("one", n=1)
    index = failed._index
    entries = await index.load(await index.look_up(["one"]))
    # When one of them retries it, and it fails again
    assert await failed.retry("one") == ("one",)
    (again,) = (await Claims(queue, "w1").take(1)).jobs
    endings.begin(again, worker="w2")
    await queue.settle(endings.raised(again, OSError("other")))
    # Then the other cannot put back what it saw
    assert await index.put_back(entries) == []
    (kept,) = await failed.list()
    assert (kept.exception, kept.worker) == ("OSError", "w2")
    assert await redis.exists(job.id) == 1


async def test_many_who_retry_one_job_queue_it_once(
    queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    await fail("one")
    replies = await asyncio.gather(*(failed.retry("one") for _ in range(10)))
    assert sorted(map(len, replies)) == [0] * 9 + [1]
    assert await queue.count("queued") == 1


async def test_a_job_that_fails_again_at_once_is_retried_once(
    queue: RedisQueue, failed: FailedJobs, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_jobs, "GROUP", 1)
    for key in "abc":
        await fail(key)
    put_back = failed._index.put_back

    async def fail_again(entries: Any) -> list[str]:
        back = await put_back(entries)
        (job,) = (await Claims(queue, "w1").take(1)).jobs
        endings.begin(job, worker="w1")
        await queue.settle(endings.raised(job, ValueError("again")))
        return back

    monkeypatch.setattr(failed._index, "put_back", fail_again)
    assert sorted(await failed.retry_all()) == ["a", "b", "c"]
    assert await failed.count() == 3


async def test_a_forgotten_job_is_gone(
    redis: Redis, queue: RedisQueue, failed: FailedJobs, fail: Fail
) -> None:
    one, two = await fail("one"), await fail("two")
    assert await failed.forget("one", "none", "one") == ("one",)
    assert await redis.exists(one.id) == 0
    assert await redis.exists(two.id) == 1
    assert ids(await failed.list()) == ["two"]
    assert await failed.forget() == await failed.retry() == ()


async def test_what_is_unknown_is_neither_found_nor_retried(
    failed: FailedJobs,
) -> None:
    assert await failed.get("none") is None
    assert await failed.retry("none") == ()
    assert await failed.list() == ()
    assert await failed.flush() == 0


async def test_a_completed_job_is_no_failure(
    redis: Redis, queue: RedisQueue, failed: FailedJobs
) -> None:
    async def f(ctx: dict[str, Any]) -> None: ...

    await queue.enqueue("f", key="one")
    await Worker(queue, [("f", f)], burst=True).start()
    assert await failed.forget("one") == ()
    assert await redis.exists(queue.job_id("one")) == 1


async def test_flushing_deletes_all_or_what_is_old(
    redis: Redis, failed: FailedJobs, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_jobs, "GROUP", 2)
    for n in range(7):
        await fail(str(n), age=n * 100 + 50)
    assert await failed.flush(older_than=timedelta(seconds=500)) == 2
    assert ids(await failed.list()) == list("01234")
    assert await failed.flush() == 5
    assert await failed.count() == 0
    assert [key async for key in redis.scan_iter("saq:job:*")] == []


@pytest.mark.parametrize(
    "payload",
    [
        b"{oops",
        b"\xff\xfe",
        b"[1]",
        b'{"function":"f","key":"bad","queue":"other"}',
        b'{"function":"f","key":"bad","queue":"default","meta":[1]}',
        b'{"function":"f","key":"other","queue":"default"}',
    ],
)
async def test_what_is_no_job_is_listed_with_its_text_and_can_be_forgotten(
    redis: Redis, queue: RedisQueue, failed: FailedJobs, payload: bytes
) -> None:
    await park(queue, "bad", payload)
    (job,) = await failed.list()
    assert (job.id, job.function, job.message) == ("bad", None, UNREADABLE)
    assert job.raw == payload.decode("utf-8", "backslashreplace")
    assert await failed.retry("bad") == await failed.retry_all() == ()
    assert await failed.list(exception="ValueError") == ()
    assert await failed.forget("bad") == ("bad",)
    assert await redis.exists(queue.job_id("bad")) == 0
    assert await failed.count() == 0


async def test_what_is_parked_under_any_key_can_be_forgotten(
    redis: Redis, queue: RedisQueue, failed: FailedJobs
) -> None:
    await redis.set("somebody's", b"rubbish")
    await redis.zadd(queue.keys.incomplete, {"somebody's": 0})
    await redis.rpush(queue.keys.queued, "somebody's")  # type: ignore[misc]
    await Worker(queue, [], burst=True).start()
    (job,) = await failed.list()
    assert (job.id, job.raw) == ("somebody's", "rubbish")
    assert await failed.get("somebody's") == job
    assert await failed.forget("somebody's") == ("somebody's",)
    assert await redis.exists("somebody's") == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"error": 3, "worker_id": 4, "queued": "x", "started": 10**30},
        {"error": None, "queued": -(10**30), "started": None},
        {"queued": True, "started": float("nan")},
    ],
)
async def test_odd_fields_do_not_hide_a_failure(
    redis: Redis, failed: FailedJobs, fail: Fail, odd: dict[str, Any]
) -> None:
    job = await fail("one")
    document = json.loads(await redis.get(job.id)) | odd
    await redis.set(job.id, json.dumps(document))
    (found,) = await failed.list()
    assert (found.id, found.started_at) == ("one", None)


async def test_a_failure_by_saqs_own_method_is_listed(
    queue: RedisQueue, failed: FailedJobs
) -> None:
    await queue.enqueue("f", key="one")
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await job.finish(Status.FAILED, error="Traceback\nOSError: no")
    (found,) = await failed.list()
    assert (found.exception, found.message) == (None, "OSError: no")


async def test_poison_is_listed_as_what_it_is(
    queue: RedisQueue, failed: FailedJobs
) -> None:
    await queue.enqueue("f", key="one", meta={"kills": 2})
    (job,) = (await Claims(queue, "w1").take(1)).jobs
    await queue.settle(endings.lost(job))
    (found,) = await failed.list()
    assert found.exception is None
    assert found.message.startswith("poison: 3 workers died")
    assert await failed.retry("one") == ("one",)
    (again,) = (await Claims(queue, "w1").take(1)).jobs
    assert again.meta == {}


async def test_pruning_drops_what_is_a_week_old(
    redis: Redis, failed: FailedJobs, fail: Fail
) -> None:
    await fail("new", age=FAILED_TTL - 60)
    await fail("old", age=FAILED_TTL + 60)
    assert await failed.prune() == 1
    assert ids(await failed.list()) == ["new"]
    assert await failed.prune() == 0


async def test_pruning_drops_the_oldest_of_too_many_a_part_in_each_call(
    redis: Redis, failed: FailedJobs, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_index, "KEEP", 3)
    monkeypatch.setattr(failed_index, "PRUNE_GROUP", 2)
    await fail("ancient", age=FAILED_TTL + 60)
    jobs = [await fail(str(n), age=n * 100 + 50) for n in range(7)]
    assert [await failed.prune() for _ in range(4)] == [2, 2, 1, 0]
    assert ids(await failed.list()) == ["0", "1", "2"]
    assert await redis.exists(*(job.id for job in jobs)) == 3


async def test_pruning_does_not_touch_a_job_that_waits_again(
    redis: Redis,
    queue: RedisQueue,
    failed: FailedJobs,
    fail: Fail,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failed_index, "KEEP", 0)
    job = await fail("one")
    await queue.enqueue("f", key="one")
    await redis.zadd(queue.keys.failed, {job.id: 1e12})
    assert await failed.prune() == 1
    assert len((await Claims(queue, "w1").take(1)).jobs) == 1


async def test_a_worker_prunes(
    queue: RedisQueue,
    fail: Fail,
    working: Working,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failed_index, "KEEP", 1)
    monkeypatch.setattr(failed_index, "PRUNE_GROUP", 2)
    monkeypatch.setattr(upkeep, "PRUNE_GROUP", 2)
    for n in range(6):
        await fail(str(n), age=n * 100 + 50)

    async def is_pruned() -> bool:
        return await FailedJobs(queue).count() == 1

    async with working(Worker(queue, [])):
        await eventually(is_pruned)
