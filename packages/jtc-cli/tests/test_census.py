from __future__ import annotations

import pytest

from jtc.cli import census as census_module
from jtc.cli.census import Census
from jtc.cli.snapshot_sum import NOTHING, Snapshot


def counted(disruptions: int) -> Snapshot:
    return {**NOTHING, "processes": 1, "disruptions": disruptions}


def test_what_a_process_has_counted_stays_when_it_is_gone() -> None:
    census = Census(processes=2, looks=False)
    first, second = census.join(1, list), census.join(2, list)
    census.hear(first, counted(3))
    census.hear(second, counted(4))
    assert census.total()["disruptions"] == 7
    # When one is gone, and another one in its place
    census.leave(first)
    again = census.join(1, list)
    assert census.total()["disruptions"] == 7
    census.hear(again, counted(1))
    # Then
    assert census.total()["disruptions"] == 8
    assert census.total()["processes"] == 2


def test_one_that_never_said_anything_leaves_nothing() -> None:
    census = Census(processes=1, looks=False)
    member = census.join(1, list)
    assert census.by_number() == {1: None}
    census.leave(member)
    assert (census.total(), census.by_number()) == (NOTHING, {})


def test_one_process_looks_at_the_queues_for_all() -> None:
    asked: list[int] = []
    census = Census(processes=2, looks=True)
    first = census.join(1, lambda: asked.append(1))
    second = census.join(2, lambda: asked.append(2))
    for member in (first, second, first, second):
        census.hear(member, counted(0))
    assert asked == [1]
    # And another one, when it is gone
    census.leave(first)
    census.hear(second, counted(0))
    census.hear(second, counted(0))
    assert asked == [1, 2]


def test_another_one_looks_when_the_one_that_does_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    census = Census(processes=2, looks=True)
    first = census.join(1, lambda: asked.append(1))
    second = census.join(2, lambda: asked.append(2))
    census.hear(first, counted(0))
    monkeypatch.setattr(census_module, "LOOKS_AGAIN", -1.0)

    census.hear(second, counted(0))

    assert asked == [1, 2]


def test_nobody_looks_where_nobody_wants_to_know() -> None:
    asked: list[int] = []
    census = Census(processes=1, looks=False)
    census.hear(census.join(1, lambda: asked.append(1)), counted(0))
    assert asked == []
