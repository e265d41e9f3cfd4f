from __future__ import annotations

import time

import pytest

from jtc.queue.wall_clock import epoch_ms, epoch_seconds, wall_clock


def test_it_is_the_clock_of_the_machine() -> None:
    before = time.time()

    assert before <= epoch_seconds() <= time.time()
    assert int(before * 1000) <= epoch_ms() <= int(time.time() * 1000)


def test_another_clock_takes_its_place_inside_a_block() -> None:
    with wall_clock(lambda: 7.0), wall_clock(lambda: 1.5):
        assert (epoch_seconds(), epoch_ms()) == (1.5, 1500)

    assert epoch_seconds() > 1_000_000_000


def test_the_former_clock_is_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), wall_clock(lambda: 1.5):
        raise ZeroDivisionError

    assert epoch_seconds() > 1_000_000_000
