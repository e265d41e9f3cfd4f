from __future__ import annotations

from typing import Any

import pytest

from jtc.cli.snapshot_sum import NOTHING, Snapshot, add_snapshots, counts_of


def measures(done: int, *, name: str = "a", missed: int = 0) -> dict[str, Any]:
    counts = {"counts": [done, 0], "total": done * 0.5}
    return {
        "runs": {name: {"complete": counts}},
        "waits": counts,
        "lateness": counts,
        "recovered": done,
        "ticks": {"missed": {"down": missed}} if missed else {},
    }


def snapshot(queue: str = "q", *, done: int = 1, **more: Any) -> Snapshot:
    standing = more.pop("standing", None)
    counted = measures(done, name=more.pop("name", "a"), missed=more.pop("missed", 0))
    return {
        "bounds": [1.0],
        "processes": 1,
        "state": "working",
        "turned": 1.0,
        "scheduler": None,
        "redis": True,
        "disruptions": 1,
        "queues": {queue: {"measures": counted, "standing": standing}},
        **more,
    }


def test_counts_are_added() -> None:
    total = add_snapshots([snapshot(done=1), snapshot(done=2, missed=3)])

    added = total["queues"]["q"]["measures"]
    assert added["runs"] == {"a": {"complete": {"counts": [3, 0], "total": 1.5}}}
    assert added["waits"] == {"counts": [3, 0], "total": 1.5}
    assert (added["recovered"], added["ticks"]) == (3, {"missed": {"down": 3}})
    assert (total["processes"], total["disruptions"]) == (2, 2)
    assert total["bounds"] == [1.0]


def test_what_only_one_has_counted_stays() -> None:
    total = add_snapshots(
        [snapshot("one"), snapshot("other"), snapshot("other", name="b")]
    )

    assert set(total["queues"]) == {"one", "other"}
    assert set(total["queues"]["other"]["measures"]["runs"]) == {"a", "b"}


def test_of_nothing_the_sum_is_nothing() -> None:
    assert add_snapshots([]) == NOTHING


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_how_a_queue_stands_is_what_was_seen_last(order: tuple[int, int]) -> None:
    seen = [
        snapshot(standing={"at": 1.0, "oldest": 5.0}),
        snapshot(standing={"at": 2.0, "oldest": 7.0}),
    ]

    total = add_snapshots([seen[order[0]], snapshot(), seen[order[1]]])

    assert total["queues"]["q"]["standing"] == {"at": 2.0, "oldest": 7.0}


@pytest.mark.parametrize(
    ("looks", "newest"),
    [([1.0, 3.0, 2.0], 3.0), ([None, 1.0], 1.0), ([None, None], None)],
)
def test_the_newest_look_of_a_scheduler_counts(
    looks: list[float | None], newest: float | None
) -> None:
    total = add_snapshots([snapshot(scheduler={"looked": look}) for look in looks])

    assert total["scheduler"] == {"looked": newest}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([True, True], True),
        ([True, False], False),
        ([None, False], False),
        ([None, True], True),
        ([None, None], None),
    ],
)
def test_the_server_is_there_if_all_reach_it(
    known: list[bool | None], expected: bool | None
) -> None:
    assert add_snapshots([snapshot(redis=one) for one in known])["redis"] is expected


def test_of_one_that_is_gone_stays_what_it_has_counted() -> None:
    gone = counts_of(snapshot(done=4, standing={"at": 1.0}, scheduler={"looked": 1.0}))

    assert gone["queues"]["q"]["measures"] == measures(4)
    assert gone["queues"]["q"]["standing"] is None
    assert (gone["processes"], gone["disruptions"]) == (0, 1)
    assert (gone["scheduler"], gone["redis"], gone["turned"]) == (None, None, None)
