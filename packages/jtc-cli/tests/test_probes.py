from __future__ import annotations

from typing import Any

import pytest

from jtc.cli.probes import (
    LOOKED_WITHIN,
    TURNED_WITHIN,
    are_ok,
    check_alive,
    check_ready,
)
from jtc.cli.snapshot_sum import NOTHING, Snapshot
from jtc.queue import health

NOW = 1000.0


def said(**more: Any) -> Snapshot:
    well = {"state": "working", "turned": NOW - 1, "redis": True}
    return {**NOTHING, **well, "scheduler": {"looked": NOW - 6}, **more}


def test_a_worker_that_is_well_is_alive_and_ready() -> None:
    assert check_alive(said(), now=NOW) == {"loop": "ok"}
    assert set(check_ready(said(), now=NOW).values()) == {"ok"}
    assert set(check_ready(said(), now=NOW)) == {"worker", "loop", "redis", "scheduler"}


@pytest.mark.parametrize("snapshot", [None, said(turned=None)])
def test_one_that_starts_is_alive(snapshot: Snapshot | None) -> None:
    assert check_alive(snapshot, now=NOW) == {"loop": "ok"}


def test_one_whose_event_loop_does_not_turn_is_not_alive() -> None:
    stuck = said(turned=NOW - TURNED_WITHIN - 1)

    assert check_alive(stuck, now=NOW) == {
        "loop": "its event loop has not turned for 16 s"
    }
    assert check_alive(said(turned=NOW - TURNED_WITHIN), now=NOW) == {"loop": "ok"}


def test_a_server_that_is_away_is_no_reason_to_kill_a_worker() -> None:
    away = said(redis=False, scheduler={"looked": NOW - 3600})

    assert check_alive(away, now=NOW) == {"loop": "ok"}


@pytest.mark.parametrize(
    ("snapshot", "check", "why"),
    [
        (None, "worker", "starting"),
        (said(state="starting"), "worker", "starting"),
        (said(state="stopping"), "worker", "stopping"),
        (said(redis=False), "redis", "the server is away"),
        (said(turned=NOW - 20), "loop", "its event loop has not turned for 20 s"),
        (
            said(scheduler={"looked": NOW - 11}),
            "scheduler",
            "asked 11 s ago what is due, and not since",
        ),
        (
            said(scheduler={"looked": None}),
            "scheduler",
            "has not asked yet what is due",
        ),
    ],
)
def test_one_that_does_not_work_is_not_ready(
    snapshot: Snapshot | None, check: str, why: str
) -> None:
    checks = check_ready(snapshot, now=NOW)

    assert checks[check] == why
    assert not are_ok({"1": {"loop": "ok"}, "2": checks})


def test_one_that_fires_no_ticks_need_not_ask_for_them() -> None:
    checks = check_ready(said(scheduler=None), now=NOW)

    assert "scheduler" not in checks
    assert are_ok({"1": checks})


def test_a_scheduler_may_be_silent_for_as_long_as_for_jtc_queue_health() -> None:
    assert LOOKED_WITHIN == health.LOOKED_WITHIN
