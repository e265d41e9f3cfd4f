from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jtc.testing import Clock, InvalidTravel

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NINE)


def test_a_clock_begins_at_the_full_second_and_stands_still() -> None:
    before = time.time()

    clock = Clock()

    assert clock.now == clock.now
    assert clock.now.microsecond == 0
    assert before - 1 < clock.time() <= time.time()


@pytest.mark.parametrize(
    ("travel", "expected"),
    [
        ({"hours": 3}, timedelta(hours=3)),
        ({"duration": timedelta(minutes=5)}, timedelta(minutes=5)),
        ({"weeks": 1, "days": 1, "minutes": 1, "seconds": 0.5}, None),
        ({}, timedelta()),
    ],
)
def test_time_passes(
    clock: Clock, travel: dict[str, float], expected: timedelta | None
) -> None:
    clock.travel(**travel)  # type: ignore[arg-type]

    wanted = timedelta(days=8, minutes=1, milliseconds=500)
    assert clock.now - NINE == (wanted if expected is None else expected)


def test_time_passes_until_a_moment_in_any_zone(clock: Clock) -> None:
    clock.travel_to(datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))))

    assert clock.now == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert clock.now.tzinfo is UTC


def test_time_goes_forward_only(clock: Clock) -> None:
    with pytest.raises(InvalidTravel, match=r"time goes forward; see set\(\)"):
        clock.travel_to(NINE - timedelta(seconds=1))
    with pytest.raises(InvalidTravel):
        clock.travel(hours=-1)

    assert clock.now == NINE


def test_a_clock_can_be_set_back(clock: Clock) -> None:
    clock.set(datetime(2020, 1, 1, tzinfo=UTC))

    assert clock.now == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused(clock: Clock) -> None:
    naive = datetime(2027, 1, 1)  # noqa: DTZ001 - that is what is refused

    for go in (clock.travel_to, clock.set, Clock):
        with pytest.raises(InvalidTravel, match="aware datetime"):
            go(naive)


def test_a_replay_goes_through_the_time_since_the_last_one(clock: Clock) -> None:
    clock.travel(hours=2)
    with clock.replay() as move_on:
        assert clock.now == NINE
        move_on(NINE.timestamp() + 60)
        move_on(NINE.timestamp())
        assert clock.now == NINE + timedelta(minutes=1)
    assert clock.now == NINE + timedelta(hours=2)

    with clock.replay():
        assert clock.now == NINE + timedelta(hours=2)


def test_what_a_clock_was_set_over_is_not_replayed(clock: Clock) -> None:
    clock.set(NINE + timedelta(days=1))

    with clock.replay():
        assert clock.now == NINE + timedelta(days=1)
