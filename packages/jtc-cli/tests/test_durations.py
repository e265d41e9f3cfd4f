from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jtc.cli.durations import describe_age, describe_duration, describe_wait

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.34, "340 ms"),
        (0.9996, "1 s"),
        (1, "1 s"),
        (1.25, "1.2 s"),
        (9.96, "10 s"),
        (10.4, "10 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
        (31_536_000, "365 d"),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_of_which_there_are_two(
    seconds: float, words: str
) -> None:
    assert describe_duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "now"), (0.4, "now"), (1, "in 1 s"), (240, "in 4 min"), (90_000, "in 25 h")],
)
def test_a_wait_is_told_from_now_on(seconds: float, words: str) -> None:
    assert describe_wait(NOW + timedelta(seconds=seconds), now=NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "just now"), (0.4, "just now"), (90, "90 s ago"), (172_800, "2 d ago")],
)
def test_an_age_is_told_back_from_now(seconds: float, words: str) -> None:
    assert describe_age(NOW - timedelta(seconds=seconds), now=NOW) == words
