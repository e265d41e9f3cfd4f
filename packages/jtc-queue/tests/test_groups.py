from __future__ import annotations

from jtc.queue.groups import in_groups


def test_each_group_is_told_of_once_it_is_done() -> None:
    told: list[tuple[int, int]] = []
    before = [
        (group, len(told))
        for group in in_groups("abcde", 2, lambda *counts: told.append(counts))
    ]
    assert before == [("ab", 0), ("cd", 1), ("e", 2)]
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_nothing_is_told_of_nothing() -> None:
    told: list[tuple[int, int]] = []
    assert list(in_groups("", 2, lambda *counts: told.append(counts))) == []
    assert told == []
