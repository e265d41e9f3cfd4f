from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import InvalidInterval
from jtc.schedule.interval import whole_seconds

TEN_YEARS = timedelta(days=3653)


@given(st.integers(1, 3653 * 86400))
def test_seconds_and_a_timedelta_mean_the_same(seconds: int) -> None:
    assert whole_seconds(seconds) == seconds
    assert whole_seconds(timedelta(seconds=seconds)) == seconds


def test_an_interval_is_a_plain_int() -> None:
    class Seconds(int):
        pass

    assert type(whole_seconds(Seconds(60))) is int


@pytest.mark.parametrize("seconds", [0, -1, timedelta(), timedelta(seconds=-5)])
def test_an_interval_below_one_second_is_refused(seconds: int | timedelta) -> None:
    with pytest.raises(InvalidInterval, match="shorter than one second"):
        whole_seconds(seconds)


@pytest.mark.parametrize(
    "interval", [timedelta(milliseconds=500), timedelta(seconds=1.5)]
)
def test_a_fraction_of_a_second_is_refused(interval: timedelta) -> None:
    with pytest.raises(InvalidInterval, match="has a fraction of a second"):
        whole_seconds(interval)


@pytest.mark.parametrize(
    "value", [0.5, 1.5, math.nan, math.inf, True, False, None, 1j, [60], b"60"]
)
def test_another_type_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInterval, match="is no int or timedelta"):
        whole_seconds(value)


def test_a_whole_float_is_refused_saying_what_to_write() -> None:
    with pytest.raises(InvalidInterval, match=r"Interval 60\.0: is a float; write 60"):
        whole_seconds(60.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["x", "60", "0 * * * *"])
def test_text_is_refused_pointing_to_cron(value: Any) -> None:
    with pytest.raises(InvalidInterval, match=r"Schedule\.cron"):
        whole_seconds(value)


def test_ten_years_are_the_longest_interval() -> None:
    assert whole_seconds(TEN_YEARS) == 315_619_200
    with pytest.raises(InvalidInterval, match="longer than 10 years"):
        whole_seconds(TEN_YEARS + timedelta(seconds=1))


def test_a_refused_interval_is_a_value_error_that_says_what_to_give() -> None:
    with pytest.raises(ValueError, match="whole seconds from 1 up to 10 years"):
        whole_seconds(0)
