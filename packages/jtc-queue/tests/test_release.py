from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import Any

import pytest
import saq
from saq.job import Status

from jtc.queue import Fail, RedisQueue, Release, Worker, endings, open_client, upkeep
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import decode
from jtc.queue.retry_policy import RetryPolicy
from jtc.queue.verdict import SHORTEST_RELEASE, ErrorRules, Verdict, judge

QUEUED = 1000.0


def verdict(error: BaseException, rules: ErrorRules, **fields: Any) -> Verdict:
    job = saq.Job("f", queued=int(QUEUED * 1000), attempts=1, **fields)
    return judge(job, error, rules, now=QUEUED, chance=1.0)


# -- what is decided -------------------------------------------------------------------


@pytest.mark.parametrize("after", [30, 0.5, timedelta(seconds=30)])
def test_a_job_is_given_back_for_as_long_as_it_says(after: Any) -> None:
    wait = after.total_seconds() if isinstance(after, timedelta) else after
    assert verdict(Release(after=after), ErrorRules()) == Verdict("release", wait)


@pytest.mark.parametrize(
    "rules",
    [ErrorRules(), ErrorRules(retry_on=()), ErrorRules(discard_on=(Exception,))],
)
def test_it_needs_no_try_and_no_rule(rules: ErrorRules) -> None:
    assert verdict(Release(after=5), rules, retries=1) == Verdict("release", 5)


def test_a_job_that_is_given_back_again_and_again_does_not_spin() -> None:
    assert verdict(Release(after=0), ErrorRules()).wait == SHORTEST_RELEASE > 0


def test_what_would_come_back_too_late_fails() -> None:
    until = RetryPolicy(until=60).as_fields()
    assert verdict(Release(after=59), ErrorRules(), **until).kind == "release"
    assert verdict(Release(after=61), ErrorRules(), **until) == Verdict("fail")


def test_what_has_no_queue_to_go_back_to_has_not_failed() -> None:
    assert judge(None, Release(after=1), now=0, chance=0).kind == "release"


@pytest.mark.parametrize("after", [-1, math.nan, math.inf, "30", True, None])
def test_a_time_that_means_nothing_is_refused(after: Any) -> None:
    with pytest.raises(ValueError, match=r"Release\(after="):
        Release(after=after)


# -- what becomes of the job -----------------------------------------------------------


def claimed(**fields: Any) -> ClaimedJob:
    queue = RedisQueue(open_client("redis://localhost:1"))
    job = ClaimedJob(function="f", key="k", queue=queue, **fields)
    endings.begin(job, worker="w1")
    return job


def test_its_document_says_how_often_and_why_and_counts_no_attempt() -> None:
    job = claimed(error="the try before")
    for times in (1, 2):
        ending = endings.raised(job, Release("not yet", after=2))
        assert (ending.kind, ending.number, ending.status) == (
            "release",
            2000,
            "queued",
        )
        document = decode(ending.document)
        assert document["meta"]["released"] == {"times": times, "reason": "not yet"}
        assert document["error"] == "the try before"
        assert document.get("attempts", 0) == 0
        endings.begin(job, worker="w1")


@pytest.mark.parametrize("meta", [{"released": "mine"}, {"released": {"times": "x"}}])
def test_the_words_of_the_jobs_owner_do_no_harm(meta: dict[str, Any]) -> None:
    assert endings.raised(claimed(meta=meta), Release(after=2)).kind == "release"


def test_a_failure_because_of_it_is_named_after_its_cause() -> None:
    error = Release(after=9)
    error.__cause__ = ConnectionError("no route")
    job = claimed(queued=1, **RetryPolicy(until=60).as_fields())
    ending = endings.raised(job, error)
    assert ending.kind == "failed"
    failure = decode(ending.document)["meta"]["jtc_failure"]
    assert failure == {"exception": "ConnectionError", "message": "no route"}


# -- in a worker -----------------------------------------------------------------------


async def test_a_function_that_gives_its_job_back_spends_no_try(
    *,
    queue: RedisQueue,
    working: Any,
    eventually: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts: list[int] = []

    async def wait(ctx: dict[str, Any]) -> str:
        attempts.append(ctx["job"].attempts)
        if len(attempts) < 3:
            raise Release("not yet", after=0)
        return "done"

    # Given a job with one try
    caplog.set_level(logging.DEBUG, "jtc.queue.failure_log")
    await queue.enqueue("wait", key="one")
    # When
    async with working(Worker(queue, [("wait", wait)])):
        await eventually(lambda: queue.complete == 1)
    # Then
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.result, job.attempts) == (Status.COMPLETE, "done", 1)
    assert attempts == [1, 1, 1]
    assert (queue.failed, queue.retried) == (0, 0)
    assert [(r.levelname, r.exc_info) for r in caplog.records] == [
        ("INFO", None),
        ("DEBUG", None),
    ]
    assert "Released job one (wait) for later: not yet" in caplog.text


async def test_tries_are_left_as_they_were(
    queue: RedisQueue, working: Any, eventually: Any
) -> None:
    errors = [ValueError(), Release(after=0), ValueError(), Release(after=0), Fail()]
    attempts: list[int] = []

    async def stumble(ctx: dict[str, Any]) -> None:
        attempts.append(ctx["job"].attempts)
        raise errors[len(attempts) - 1]

    await queue.enqueue("stumble", key="one", retries=5)
    async with working(Worker(queue, [("stumble", stumble)])):
        await eventually(lambda: queue.failed == 1)
    assert attempts == [1, 2, 2, 3, 3]


async def test_its_time_is_not_slept_through(
    queue: RedisQueue, working: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that looks for what waits for its time so rarely as never
    monkeypatch.setattr(upkeep, "PROMOTE_AT_REST", 3600.0)
    monkeypatch.setattr(upkeep, "PROMOTE_EVERY", 3600.0)
    attempts: list[int] = []

    async def wait(ctx: dict[str, Any]) -> None:
        attempts.append(ctx["job"].attempts)
        if len(attempts) < 3:
            raise Release(after=0.2) if len(attempts) == 1 else ValueError

    await queue.enqueue("wait", retries=2, retry_delay=0.2)
    # When its own job gives itself back, and is to be tried again
    async with working(Worker(queue, [("wait", wait)])):
        # Then it looks when that job may run
        await eventually(lambda: queue.complete == 1)
    assert attempts == [1, 1, 2]
