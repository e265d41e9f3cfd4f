from __future__ import annotations

import logging
import time
from typing import Any

import pytest
import saq
from saq.job import Status

from jtc.queue import (
    Discard,
    Fail,
    FailedJobs,
    NotRunnableHere,
    RedisQueue,
    Retry,
    Worker,
    endings,
)


async def run_once(queue: RedisQueue, error: BaseException, **fields: Any) -> saq.Job:
    """Enqueue a plain function that ends with `error`, and run it once."""

    async def f(ctx: dict[str, Any]) -> None:
        raise error

    await queue.enqueue("f", key="one", **fields)
    await Worker(queue, [("f", f)]).process()
    job = await queue.job("one")
    assert job is not None
    return job


async def wait_of(queue: RedisQueue, job: saq.Job) -> float:
    due = await queue.redis.zscore(queue.keys.incomplete, job.id)
    assert due, "it waits for no time"
    return float(due) - time.time()


def actions(caplog: pytest.LogCaptureFixture) -> list[tuple[int, Any]]:
    found = [(r.levelno, r.__dict__.get("action")) for r in caplog.records]
    return [pair for pair in found if pair[1]]


async def test_any_function_may_ask_to_be_tried_again_later(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="jtc"):
        job = await run_once(queue, Retry("busy", after=30), retries=2, retry_delay=5)
    assert (job.status, job.attempts) == (Status.QUEUED, 1)
    assert 25 < await wait_of(queue, job) < 31
    assert actions(caplog) == [(logging.INFO, "attempt_retry")]
    assert queue.retried == 1


async def test_a_retry_that_was_asked_for_without_tries_left_is_a_failure(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    job = await run_once(queue, Retry(after=30))
    assert job.status == Status.FAILED
    assert actions(caplog) == [(logging.ERROR, "attempt_failed")]


async def test_any_function_may_ask_to_be_failed(queue: RedisQueue) -> None:
    job = await run_once(queue, Fail("stolen"), retries=5)
    assert (job.status, job.attempts) == (Status.FAILED, 1)
    (kept,) = await FailedJobs(queue).list()
    assert kept.message == "stolen"


async def test_any_function_may_ask_to_be_discarded(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="jtc"):
        job = await run_once(queue, Discard("gone"), retries=5, ttl=60)
    assert (job.status, job.error) == (Status.ABORTED, "discarded: gone")
    assert await FailedJobs(queue).count() == 0
    assert await queue.count("incomplete") == 0
    assert 0 < await queue.redis.ttl(job.id) <= 60
    assert actions(caplog) == [(logging.INFO, "attempt_discard")]
    assert queue.aborted == 1


@pytest.mark.fault("H33")
async def test_saqs_backoff_without_a_delay_waits(queue: RedisQueue) -> None:
    job = await run_once(queue, ValueError(), retries=9, retry_backoff=True)
    assert await queue.count("queued") == 0
    assert 0 < await wait_of(queue, job) < 1.1


@pytest.mark.parametrize("meta", [None, [1], {1: object()}])
async def test_a_function_that_breaks_its_meta_is_still_judged(
    queue: RedisQueue, meta: Any
) -> None:
    async def f(ctx: dict[str, Any]) -> None:
        ctx["job"].meta = meta
        raise ValueError("boom")

    await queue.enqueue("f", key="one", retries=2)
    await Worker(queue, [("f", f)], burst=True).start()
    (kept,) = await FailedJobs(queue).list()
    assert (kept.exception, kept.message, kept.attempts) == ("ValueError", "boom", 2)


async def test_a_function_that_breaks_its_meta_can_be_given_back(
    queue: RedisQueue,
) -> None:
    async def f(ctx: dict[str, Any]) -> None:
        ctx["job"].meta = None
        raise NotRunnableHere("not mine")

    await queue.enqueue("f", key="one")
    await Worker(queue, [("f", f)]).process()
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.meta["unresolvable"]) == (Status.QUEUED, "not mine")


async def test_what_nobody_can_run_fails_after_an_hour_and_says_so(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NotInstalled(NotRunnableHere):
        pass

    monkeypatch.setattr(endings, "ELSEWHERE_LIMIT", -1)
    job = await run_once(queue, NotInstalled("no module x"))
    assert job.status == Status.FAILED
    assert actions(caplog) == [(logging.ERROR, "attempt_failed")]
    (kept,) = await FailedJobs(queue).list()
    assert kept.message == "unresolvable: no module x"
    assert (kept.exception or "").endswith("NotInstalled")
