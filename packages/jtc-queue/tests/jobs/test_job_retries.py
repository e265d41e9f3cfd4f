from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jtc.jobs import (
    Discard,
    Exponential,
    Fail,
    Job,
    JobFailed,
    JobHandle,
    Retry,
    default_container,
    runner,
    set_container,
)
from jtc.queue import FailedJobs, JobTimeout, RedisQueue, TooLateToRetry, Worker

WorkOff = Callable[[RedisQueue], Awaitable[None]]


@pytest.fixture
def failures() -> list[BaseException]:
    """What `failed` was called with."""
    return []


async def try_once(queue: RedisQueue) -> None:
    """Run what waits, and not what will wait for its next try."""
    set_container(default_container())
    assert await Worker(queue, [("runner", runner)]).process()


def call_the_bank() -> None:
    raise ConnectionError("no route")


async def wait_of(queue: RedisQueue, handle: JobHandle) -> float:
    """Return the seconds until the next try of a job."""
    job_id = queue.job_id(handle.id)
    due = await queue.redis.zscore(queue.keys.incomplete, job_id)
    assert due, "it waits for no time"
    return float(due) - time.time()


@pytest.mark.parametrize(
    ("backoff", "shortest", "longest"),
    [
        (30, 30, 30),
        ([20, 60], 20, 20),
        (Exponential(100), 50, 100),
        (Exponential(100, jitter=False), 100, 100),
    ],
)
async def test_a_job_waits_its_back_off(
    queue: RedisQueue, backoff: Any, shortest: float, longest: float
) -> None:
    class Broken(Job, tries=3, backoff=backoff):
        async def handle(self) -> None:
            raise LookupError

    handle = await Broken.dispatch()
    await try_once(queue)

    assert await handle.status() == "queued"
    assert shortest - 2 < await wait_of(queue, handle) < longest + 1


async def test_each_try_waits_as_long_as_the_list_says(queue: RedisQueue) -> None:
    class Broken(Job, tries=9, backoff=[20, 0, 60]):
        async def handle(self) -> None:
            raise LookupError

    handle = await Broken.dispatch()
    job_id = queue.job_id(handle.id)
    waits = []
    for _ in range(4):
        await try_once(queue)
        due = await queue.redis.zscore(queue.keys.incomplete, job_id)
        assert due is not None
        waits.append(due and round((due - time.time()) / 10) * 10)
        if due:
            await queue.redis.zadd(queue.keys.incomplete, {job_id: 1})
            await queue.promote()

    assert waits == [20, 0, 60, 60]


async def test_a_job_that_asks_for_it_is_tried_again_when_it_says(
    queue: RedisQueue, failures: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Busy(Job, tries=2, backoff=5):
        async def handle(self) -> None:
            raise Retry("the bank is closed", after=timedelta(minutes=1))

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Busy.dispatch()
    with caplog.at_level(logging.INFO, logger="jtc"):
        await try_once(queue)

    assert 55 < await wait_of(queue, handle) < 61
    job = await queue.job(handle.id)
    assert job is not None
    assert job.attempts == 1
    assert "the bank is closed" in str(job.error)
    assert failures == []
    (record,) = [r for r in caplog.records if r.__dict__.get("action")]
    assert (record.levelno, record.exc_info) == (logging.INFO, None)
    assert record.__dict__["action"] == "attempt_retry"


async def test_asking_for_a_retry_in_the_last_try_fails(
    queue: RedisQueue, work_off: WorkOff, failures: list[BaseException]
) -> None:
    class Busy(Job, tries=2):
        async def handle(self) -> None:
            try:
                call_the_bank()
            except ConnectionError:
                raise Retry(after=0)  # noqa: B904 - as a user would write it

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Busy.dispatch()
    await work_off(queue)

    assert await handle.status() == "failed"
    assert [type(failure) for failure in failures] == [Retry]
    kept = await FailedJobs(queue).get(handle.id)
    assert kept is not None
    assert (kept.exception, kept.message) == ("ConnectionError", "no route")
    assert (kept.attempts, kept.tries) == (2, 2)


async def test_a_job_that_asks_to_be_failed_is_not_tried_again(
    queue: RedisQueue, failures: list[BaseException]
) -> None:
    class Refused(Job, tries=5):
        async def handle(self) -> None:
            raise Fail("the card is stolen")

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Refused.dispatch()
    await try_once(queue)

    assert await handle.status() == "failed"
    assert [str(failure) for failure in failures] == ["the card is stolen"]


class Missing(LookupError):
    pass


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionError("x"), "queued"),
        (ConnectionResetError("x"), "queued"),
        (ValueError("x"), "failed"),
        (SystemExit(3), "failed"),
        (Missing("order 7"), "aborted"),
        (Discard("order 7"), "aborted"),
    ],
)
async def test_rules_decide_by_the_kind_of_error(
    queue: RedisQueue, failures: list[BaseException], error: BaseException, status: str
) -> None:
    class Base(Job, tries=3, backoff=30, retry_on=ConnectionError):
        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    class Charge(Base, discard_on=(Missing, KeyError)):
        async def handle(self) -> None:
            raise error

    handle = await Charge.dispatch()
    await try_once(queue)

    assert await handle.status() == status
    assert failures == ([error] if status == "failed" else [])
    assert await FailedJobs(queue).count() == len(failures)


async def test_a_discarded_job_is_aborted_with_the_reason_and_no_failure(
    queue: RedisQueue, failures: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Charge(Job, discard_on=Missing):
        async def handle(self) -> None:
            raise Missing("order 7")

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Charge.dispatch()
    with caplog.at_level(logging.INFO, logger="jtc"):
        await try_once(queue)

    with pytest.raises(JobFailed, match=r"aborted: discarded: .*Missing: order 7"):
        await handle.result()
    assert failures == []
    (record,) = [r for r in caplog.records if r.__dict__.get("action")]
    assert (record.levelno, record.exc_info) == (logging.INFO, None)
    words = f"Discarded job {handle.id} ({Charge.__jtc__.name}): order 7"
    assert record.getMessage() == words


class Unreachable:
    def __init__(self) -> None:
        raise OSError("no such host")


async def test_rules_hold_before_there_is_an_instance(queue: RedisQueue) -> None:
    class Strict(Job, tries=3, retry_on=ConnectionError):
        def __init__(self, bank: Unreachable) -> None: ...

        async def handle(self) -> None: ...

    handle = await Strict.dispatch(number=7)
    await try_once(queue)

    kept = await FailedJobs(queue).get(handle.id)
    assert kept is not None
    assert kept.exception == "jtc.jobs.errors.InjectionFailed"
    assert kept.attempts == 1


@pytest.mark.parametrize(
    ("retry_on", "status"),
    [(None, "queued"), (TimeoutError, "queued"), (ConnectionError, "failed")],
)
async def test_a_timeout_is_an_error_like_others(
    queue: RedisQueue, failures: list[BaseException], retry_on: Any, status: str
) -> None:
    class Slow(Job, timeout=0.05, tries=2, backoff=30, retry_on=retry_on):
        async def handle(self) -> None:
            await asyncio.sleep(60)

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Slow.dispatch()
    await try_once(queue)

    assert await handle.status() == status
    expected = [JobTimeout] if status == "failed" else []
    assert [type(failure) for failure in failures] == expected


async def test_failed_is_called_when_a_job_cancels_itself_in_the_last_try(
    queue: RedisQueue, failures: list[BaseException]
) -> None:
    class Odd(Job):
        async def handle(self) -> None:
            raise asyncio.CancelledError

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Odd.dispatch()
    await try_once(queue)

    assert await handle.status() == "failed"
    assert [type(failure).__name__ for failure in failures] == ["SelfCancelled"]


async def test_no_try_is_waited_for_that_would_begin_too_late(
    queue: RedisQueue, failures: list[BaseException]
) -> None:
    class Urgent(Job, tries=9, backoff=60, retry_until=timedelta(seconds=30)):
        async def handle(self) -> None:
            raise LookupError("x")

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Urgent.dispatch()
    await try_once(queue)

    assert await handle.status() == "failed"
    assert [type(failure) for failure in failures] == [LookupError]


async def test_a_try_that_waited_too_long_in_the_queue_does_not_begin(
    queue: RedisQueue, failures: list[BaseException]
) -> None:
    runs: list[int] = []

    class Urgent(Job, tries=9, retry_until=30):
        async def handle(self) -> None:
            runs.append(1)
            raise LookupError("no such order")

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    # Given a job that was tried once, and waited long for its second try
    handle = await Urgent.dispatch()
    await try_once(queue)
    job = await queue.job(handle.id)
    assert job is not None
    job.queued -= 31_000
    await job.update()
    # When
    await try_once(queue)
    # Then
    assert runs == [1]
    assert [type(failure) for failure in failures] == [TooLateToRetry]
    assert "LookupError: no such order" in str(failures[0])
    assert await handle.status() == "failed"


async def test_the_first_try_begins_however_late_it_is(
    queue: RedisQueue,
) -> None:
    class Urgent(Job, tries=9, retry_until=30):
        async def handle(self) -> str:
            return "done"

    handle = await Urgent.dispatch()
    job = await queue.job(handle.id)
    assert job is not None
    job.queued -= 31_000
    await job.update()
    await try_once(queue)

    assert await handle.result() == "done"


async def test_what_failed_was_told_is_what_becomes_of_the_job(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch, failures: list[BaseException]
) -> None:
    """One decision for both, though chance and the clock play a part in it."""
    chances = iter([1.0, 0.0])
    monkeypatch.setattr("jtc.queue.verdict.random.random", lambda: next(chances))

    class Urgent(Job, tries=2, backoff=Exponential(60), retry_until=45):
        async def handle(self) -> None:
            raise LookupError("x")

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Urgent.dispatch()
    await try_once(queue)

    assert len(failures) == 1
    assert await handle.status() == "failed"
