from __future__ import annotations

from typing import Any

import pytest
import saq

from jtc.queue.latency import latency, waits_since


def a_job(**fields: Any) -> saq.Job:
    return saq.Job("f", **{"queued": 100_000, **fields})


@pytest.mark.parametrize(
    ("fields", "since"),
    [
        ({}, 100_000),
        ({"meta": {"delay": 30}}, 130_000),
        ({"meta": {"delay": 0.5}}, 100_500),
        ({"scheduled": 150}, 150_000),
        ({"scheduled": 50}, 100_000),
        ({"meta": {"delay": "soon"}}, 100_000),
        ({"meta": ["delay"]}, 100_000),
        ({"attempts": 1, "touched": 200_000, "retry_delay": 5}, 205_000),
        ({"attempts": 1, "touched": 0}, 100_000),
    ],
)
def test_a_job_waits_since_it_could_have_been_taken(
    fields: dict[str, Any], since: float
) -> None:
    assert waits_since(a_job(**fields)) == since


def test_the_first_attempt_tells_how_long_it_waited() -> None:
    assert latency(a_job(), now=102.5) == 2.5


def test_a_clock_that_is_wrong_makes_no_negative_time() -> None:
    assert latency(a_job(), now=99) == 0.0


def test_of_a_later_attempt_nobody_knows() -> None:
    assert latency(a_job(attempts=1, touched=101_000), now=110) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"queued": 0},
        {"queued": "today"},
        {"queued": 10**400},
        {"scheduled": "later"},
        {"meta": {"delay": 10**400}},
    ],
)
def test_of_a_job_that_does_not_say_nobody_knows(fields: dict[str, Any]) -> None:
    assert latency(a_job(**fields), now=110) is None


def test_of_what_is_no_time_it_is_not_told_how_long_it_waits() -> None:
    assert waits_since(a_job(scheduled="later")) is None
    assert waits_since(a_job(queued=float("inf"))) is None
