from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
import saq
from hypothesis import given
from hypothesis import strategies as st

from jtc.queue import Exponential, InvalidBackoff, TooLateToRetry
from jtc.queue.duration import LONGEST
from jtc.queue.retry_policy import (
    META,
    RetryPolicy,
    check_time_to_retry,
    next_delay,
    read_policy,
)

SECONDS = st.floats(0, LONGEST) | st.integers(0, int(LONGEST))
EXPONENTIALS = st.builds(
    Exponential,
    base=st.floats(0.001, LONGEST),
    factor=st.floats(1, 1e6) | st.integers(1, 10**30),
    cap=st.floats(0.001, LONGEST),
    jitter=st.booleans(),
)
BACKOFFS = SECONDS | st.lists(SECONDS, min_size=1).map(tuple) | EXPONENTIALS
ANY_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def waits(policy: RetryPolicy, *, chance: float = 1.0, tries: int = 5) -> list[float]:
    return [policy.delay(n, chance=chance) for n in range(1, tries)]


def test_a_number_is_the_wait_before_every_try() -> None:
    assert waits(RetryPolicy(30)) == [30, 30, 30, 30]


def test_the_last_wait_of_a_list_repeats() -> None:
    assert waits(RetryPolicy((1, 5))) == [1, 5, 5, 5]


def test_an_exponential_wait_grows_by_its_factor_up_to_its_cap() -> None:
    assert waits(RetryPolicy(Exponential(2, factor=3, cap=20))) == [2, 6, 18, 20]


def test_jitter_takes_away_half_of_a_wait_at_the_most() -> None:
    exponential = Exponential(8)
    assert waits(RetryPolicy(exponential), chance=0.0, tries=3) == [4, 8]
    assert waits(RetryPolicy(exponential), chance=0.5, tries=3) == [6, 12]
    steady = Exponential(8, jitter=False)
    assert waits(RetryPolicy(steady), chance=0.0, tries=3) == [8, 16]


@given(EXPONENTIALS, st.integers(-5, 10**6), st.floats(0, 1))
def test_an_exponential_wait_is_never_negative_nor_beyond_its_cap(
    exponential: Exponential, failures: int, chance: float
) -> None:
    assert 0 < exponential.delay(failures, chance=chance) <= exponential.cap


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *(("base", value) for value in (0, -1, math.nan, math.inf, True, "1")),
        *(("base", value) for value in (10**400, timedelta(1), None)),
        *(("factor", value) for value in (0.5, -2, math.nan, math.inf, False, "2")),
        *(("cap", value) for value in (0, -1, math.nan, LONGEST * 2)),
        *(("jitter", value) for value in (0, 1, None, 0.5)),
    ],
)
def test_a_part_that_can_never_work_is_refused(part: str, value: Any) -> None:
    parts: dict[str, Any] = {"base": 1, part: value}
    with pytest.raises(InvalidBackoff, match=rf"Exponential: {part}=.*it has to be"):
        Exponential(**parts)


@given(BACKOFFS, st.none() | st.floats(1, LONGEST))
def test_a_policy_comes_back_from_the_job_that_carries_it(
    backoff: Any, until: float | None
) -> None:
    policy = RetryPolicy(backoff, until)
    assert read_policy(saq.Job("f", **policy.as_fields())) == policy


@given(ANY_JSON, ANY_JSON, ANY_JSON, ANY_JSON)
def test_whatever_a_job_says_its_wait_is_a_number_that_a_server_can_add(
    backoff: Any, until: Any, delay: Any, saqs_backoff: Any
) -> None:
    meta = {META: {"backoff": backoff, "until": until}}
    job = saq.Job("f", meta=meta, retry_delay=delay, retry_backoff=saqs_backoff)
    assert 0 <= next_delay(job) <= LONGEST
    assert 0 <= next_delay(saq.Job("f", meta={META: backoff})) <= LONGEST


@pytest.mark.parametrize("meta", [None, [], "x", {META: 3}, {META: {"backoff": {}}}])
def test_a_meta_that_is_used_otherwise_does_no_harm(meta: Any) -> None:
    job = saq.Job("f", retry_delay=7)
    job.meta = meta
    assert next_delay(job) == 7


@pytest.mark.parametrize("attempts", [1, 2, 3, 10_000])
def test_saqs_backoff_doubles_its_delay_up_to_its_limit(attempts: int) -> None:
    job = saq.Job("f", retry_delay=2, retry_backoff=10, attempts=attempts)
    full = min(10, 2 * 2 ** min(attempts - 1, 10))
    assert full / 2 <= next_delay(job) <= full


@pytest.mark.parametrize("saqs_backoff", [True, 600, 0.9])
@pytest.mark.fault("H33")
def test_saqs_backoff_without_a_delay_is_no_hot_loop(saqs_backoff: Any) -> None:
    job = saq.Job("f", retry_backoff=saqs_backoff, attempts=1)
    assert next_delay(job) >= 0.45


@pytest.mark.parametrize("saqs_backoff", [False, 0, -1])
def test_saqs_delay_without_a_backoff_is_as_it_is(saqs_backoff: Any) -> None:
    job = saq.Job("f", retry_delay=0.5, retry_backoff=saqs_backoff, attempts=9)
    assert next_delay(job) == 0.5


def job_until(seconds: float, **fields: Any) -> saq.Job:
    policy = RetryPolicy(until=seconds)
    return saq.Job("f", **{**policy.as_fields(), "queued": 1_000_000} | fields)


def test_a_try_that_would_begin_too_late_is_refused_with_the_last_error() -> None:
    job = job_until(60, attempts=2, error="Traceback\nOSError: no route\n")
    check_time_to_retry(job, now=1060.0)
    with pytest.raises(TooLateToRetry, match=r"60 s after .* OSError: no route"):
        check_time_to_retry(job, now=1060.5)


@pytest.mark.parametrize(
    "fields", [{"attempts": 1}, {"queued": 0}, {"queued": "x"}, {"meta": {}}]
)
def test_the_first_try_and_one_without_a_limit_are_never_too_late(
    fields: dict[str, Any],
) -> None:
    job = job_until(60, **{"attempts": 2} | fields)
    check_time_to_retry(job, now=1e12)


def test_an_error_that_is_unknown_is_said_to_be_so() -> None:
    with pytest.raises(TooLateToRetry, match="no reason"):
        check_time_to_retry(job_until(60, attempts=2), now=2000.0)
