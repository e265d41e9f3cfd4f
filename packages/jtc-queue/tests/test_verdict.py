from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
import saq

from jtc.queue import (
    Discard,
    Fail,
    JobTimeout,
    NotRunnableHere,
    Retry,
    ThreadStillRuns,
    TooLateToRetry,
)
from jtc.queue.retry_policy import RetryPolicy
from jtc.queue.verdict import ErrorRules, Verdict, judge

AGAIN = Verdict("retry", 5)
OVER = Verdict("fail")
QUEUED = 1000.0


def verdict(error: BaseException, **fields: Any) -> Verdict:
    rules = ErrorRules(
        **{k: fields.pop(k) for k in ("retry_on", "discard_on") if k in fields}
    )
    now = fields.pop("now", QUEUED)
    defaults = {"retries": 3, "attempts": 1, "retry_delay": 5}
    job = saq.Job("f", queued=int(QUEUED * 1000), **defaults | fields)
    return judge(job, error, rules, now=now, chance=1.0)


@pytest.mark.parametrize(
    "error", [ValueError(), JobTimeout(1), SystemExit(1), KeyError("x")]
)
def test_any_error_is_retried_after_the_back_off_while_tries_are_left(
    error: BaseException,
) -> None:
    assert verdict(error) == AGAIN
    assert verdict(error, attempts=3) == OVER


def test_a_job_that_is_tried_once_fails() -> None:
    assert judge(None, ValueError(), now=0, chance=0) == OVER


@pytest.mark.parametrize(
    "error", [Fail("no"), ThreadStillRuns(1), TooLateToRetry(1, "x")]
)
def test_some_errors_leave_nothing_to_try(error: Exception) -> None:
    assert verdict(error) == OVER
    assert verdict(error, retry_on=(Exception,)) == OVER


def test_a_job_that_cannot_run_here_is_for_others_whatever_the_rules_say() -> None:
    elsewhere = Verdict("elsewhere")
    assert verdict(NotRunnableHere("x"), discard_on=(Exception,)) == elsewhere
    assert verdict(NotRunnableHere("x"), retry_on=(OSError,), attempts=9) == elsewhere


@pytest.mark.parametrize("after", [30, 0, 0.5, timedelta(seconds=30)])
def test_a_job_that_asks_for_it_is_tried_again_when_it_says(after: Any) -> None:
    wait = after.total_seconds() if isinstance(after, timedelta) else after
    assert verdict(Retry(after=after)) == Verdict("retry", wait)


def test_a_retry_that_was_asked_for_without_a_time_waits_the_back_off() -> None:
    assert verdict(Retry("later")) == AGAIN


def test_a_retry_that_was_asked_for_counts_as_a_try() -> None:
    assert verdict(Retry(after=30), attempts=3) == OVER


@pytest.mark.parametrize("after", [-1, math.nan, math.inf, "30", timedelta(-1), True])
def test_a_retry_at_no_time_is_refused(after: Any) -> None:
    with pytest.raises(ValueError, match=r"Retry\(after=.*it has to be a timedelta or"):
        Retry(after=after)


def test_with_retry_on_only_these_errors_are_retried() -> None:
    assert verdict(ConnectionError(), retry_on=(OSError, KeyError)) == AGAIN
    assert verdict(ValueError(), retry_on=(OSError, KeyError)) == OVER
    assert verdict(JobTimeout(1), retry_on=(ConnectionError,)) == OVER
    assert verdict(JobTimeout(1), retry_on=(TimeoutError,)) == AGAIN


def test_an_error_to_discard_on_is_neither_retried_nor_a_failure() -> None:
    discard = Verdict("discard")
    assert verdict(KeyError("x"), discard_on=(LookupError,)) == discard
    assert verdict(KeyError("x"), discard_on=(LookupError,), attempts=3) == discard
    both: dict[str, Any] = {"discard_on": (KeyError,), "retry_on": (LookupError,)}
    assert verdict(KeyError("x"), **both) == discard
    assert verdict(IndexError("x"), **both) == AGAIN
    assert verdict(Discard("gone")) == discard


def test_what_the_job_asks_for_comes_before_the_rules() -> None:
    assert verdict(Retry(after=5), retry_on=(OSError,)) == AGAIN
    assert verdict(Retry(after=5), discard_on=(Exception,)) == AGAIN
    assert verdict(Fail("no"), discard_on=(Exception,)) == OVER


@pytest.mark.parametrize(
    ("now", "error", "expected"),
    [
        (QUEUED + 54, ValueError(), AGAIN),
        (QUEUED + 56, ValueError(), OVER),
        (QUEUED + 54, Retry(after=10), OVER),
        (QUEUED + 54, Retry(after=1), Verdict("retry", 1)),
    ],
)
def test_a_try_that_would_begin_after_the_time_for_tries_is_not_waited_for(
    now: float, error: Exception, expected: Verdict
) -> None:
    fields = RetryPolicy((5,), until=60).as_fields()
    assert verdict(error, now=now, **fields) == expected
