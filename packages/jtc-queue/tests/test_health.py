from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jtc.queue import WorkerStatus
from jtc.queue.health import judge_health
from jtc.queue.worker_status import Signs, read_worker_status

NOW = 1_772_355_600_000.0
FINE = read_worker_status(
    "w1",
    Signs(b'{"jtc":{"host":"a","looked":1.5}}', NOW - 3000, NOW - 1000, is_alive=True),
    now=NOW,
)


def worker(name: str = "w1", **changes: Any) -> WorkerStatus:
    return replace(FINE, id=name, **changes)


def test_a_queue_with_a_live_worker_is_healthy() -> None:
    health = judge_health([worker()], queue="mail")
    assert (health.is_healthy, health.workers) == (True, ("w1",))
    assert health.reason == "queue 'mail' has 1 live worker(s)"


def test_a_worker_that_stops_is_well() -> None:
    assert judge_health([worker(state="stopping")], queue="mail").is_healthy


def test_a_worker_that_fires_no_ticks_is_well() -> None:
    assert judge_health([worker(looked=None)], queue="mail").is_healthy


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "silent"}, "w1 lives, but its event loop does not turn"),
        ({"looked": 12.2}, "w1 asked what is due 12 s ago, and not since"),
        ({"state": "gone"}, "queue 'mail' has no live worker"),
    ],
)
def test_an_ailing_worker_makes_no_queue_healthy(
    changes: dict[str, Any], said: str
) -> None:
    health = judge_health([worker(**changes)], queue="mail")
    assert (health.is_healthy, health.reason) == (False, said)


def test_one_that_is_well_is_enough_unless_all_of_a_host_are_meant() -> None:
    workers = [worker(), worker("w2", state="silent")]
    assert judge_health(workers, queue="mail").is_healthy
    here = judge_health(workers, queue="mail", host="a")
    assert (here.is_healthy, here.workers) == (False, ("w1",))


def test_the_one_that_is_named_or_the_host_has_to_be_there() -> None:
    workers = [worker()]
    assert judge_health(workers, queue="mail", worker="w1").is_healthy
    missing = judge_health(workers, queue="mail", worker="w2")
    assert missing.reason == "queue 'mail' has no live worker w2"
    elsewhere = judge_health(workers, queue="mail", host="b")
    assert elsewhere.reason == "queue 'mail' has no live worker on b"


@pytest.mark.parametrize("report", [b"{oops", b"[]", b'{"jtc":7}', None])
def test_a_report_that_says_nothing_is_no_error(report: bytes | None) -> None:
    seen = read_worker_status("w1", Signs(report, is_alive=True), now=NOW)
    assert (seen.state, seen.host, seen.started, seen.seen) == (
        "working",
        "",
        None,
        None,
    )
