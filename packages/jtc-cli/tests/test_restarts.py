from __future__ import annotations

import itertools

import pytest

from jtc.cli.restarts import (
    FIRST_DELAY,
    LONGEST_DELAY,
    SETTLED_AFTER,
    count_deaths,
    describe_end,
    restart_delay,
)


def test_the_pauses_double_up_to_ten_seconds() -> None:
    delays = [restart_delay(deaths) for deaths in range(1, 2000)]
    assert delays[0] == FIRST_DELAY
    assert all(
        after == min(2 * before, LONGEST_DELAY)
        for before, after in itertools.pairwise(delays)
    )
    assert delays[-1] == LONGEST_DELAY


def test_a_process_that_lived_for_a_while_starts_the_count_anew() -> None:
    assert count_deaths(0, lived=0.1) == 1
    assert count_deaths(5, lived=SETTLED_AFTER) == 6
    assert count_deaths(5, lived=SETTLED_AFTER + 1) == 1


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "it ended with status 0"),
        (3, "it ended with status 3"),
        (-11, "it was killed by SIGSEGV"),
        (-1000, "it was killed by signal 1000"),
    ],
)
def test_the_end_of_a_process_is_said_in_words(status: int, text: str) -> None:
    assert describe_end(status) == text
