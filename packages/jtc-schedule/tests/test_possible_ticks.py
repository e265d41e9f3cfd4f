from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jtc.schedule import InvalidTaskOption, Schedule, ScheduledTask

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
OFFICE = ("08:00", "18:00")


def task(ctx: Any) -> None: ...


@pytest.mark.parametrize(
    ("schedule", "options", "words"),
    [
        ("0 3 * * *", {"between": OFFICE}, r"between=\('08:00:00', '18:00:00'\): no"),
        ("30 1,20 1 * *", {"between": OFFICE}, "no tick of '30 1,20 1"),
        ("1 0 18 * * *", {"between": OFFICE}, "let it run at a time within"),
        ("@daily", {"between": OFFICE}, "no tick of '@daily' is then"),
        ("0 12 * * *", {"between": ("22:00", "06:00")}, "would never run"),
        ("0 9 * * MON-FRI", {"days": "weekends"}, r"days=\[0, 6\]: no tick of '0 9"),
        ("0 9 * * 7", {"days": "weekdays"}, "is on such a day"),
        ("0 9 * * FRI#2,5L", {"days": "mon"}, "leave days= out"),
        ("0 9 * * */2", {"days": ["mon", "fri"]}, "would never run"),
        ("0 9 */2 * SUN", {"days": "weekdays"}, "would never run"),
    ],
)
def test_conditions_that_rule_out_every_tick_are_refused(
    schedule: str, options: Any, words: str
) -> None:
    with pytest.raises(InvalidTaskOption, match=words):
        ScheduledTask(task, schedule, **options)


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        ("0 8 * * *", {"between": OFFICE}),
        ("0 18 * * *", {"between": OFFICE}),
        ("0 3,12 * * *", {"between": OFFICE}),
        ("59 59 7-8 * * *", {"between": OFFICE}),
        ("0 3 * * *", {"between": ("22:00", "06:00")}),
        ("0 9 * * MON,SAT", {"days": "weekends"}),
        ("0 9 * * FRI#2", {"days": "fri"}),
        # Dates or Sundays: some of the dates are on a weekday.
        ("0 9 13 * SUN", {"days": "weekdays"}),
        ("0 9 13 * *", {"days": "weekends"}),
        (DAY, {"between": OFFICE, "days": "mon"}),
    ],
)
def test_conditions_that_leave_a_tick_are_accepted(schedule: Any, options: Any) -> None:
    assert ScheduledTask(task, schedule, **options)


def test_a_sentence_that_can_never_run_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidTaskOption, match="between="):
        Schedule.daily(at="03:00", between=OFFICE)
    with pytest.raises(InvalidTaskOption, match="days="):
        Schedule.weekdays(days="weekends")
    with (
        Schedule.group(between=OFFICE),
        pytest.raises(InvalidTaskOption, match="between="),
    ):
        Schedule.daily(at="03:00")


def test_an_interval_without_a_tick_in_its_life_is_refused() -> None:
    with pytest.raises(InvalidTaskOption) as refused:
        Schedule.every(hours=1, starts_at=START, ends_at=START + timedelta(minutes=29))
    assert str(refused.value).startswith("Option ends_at='2026-03-01T12:59:00+00:00'")
    assert "the next is at 2026-03-01T13:00:00+00:00; end later" in str(refused.value)


@pytest.mark.parametrize(
    "life",
    [
        {"starts_at": START},
        {"ends_at": START},
        {"starts_at": START, "ends_at": START + timedelta(minutes=30)},
        {"starts_at": START, "ends_at": START, "phase": 1800},
    ],
)
def test_an_interval_with_a_tick_in_its_life_is_accepted(life: Any) -> None:
    assert ScheduledTask(task, 3600, **life)


@given(
    interval=st.integers(1, 100_000),
    phase=st.integers(0, 99_999),
    start=st.integers(0, 2_000_000_000),
    length=st.integers(0, 200_000),
)
def test_a_life_is_refused_exactly_if_no_multiple_of_the_interval_is_in_it(
    interval: int, phase: int, start: int, length: int
) -> None:
    # Given
    phase %= interval
    first = start + (phase - start) % interval
    life: dict[str, Any] = {
        "starts_at": datetime.fromtimestamp(start, UTC),
        "ends_at": datetime.fromtimestamp(start + length, UTC),
    }
    # When
    try:
        ScheduledTask(task, interval, phase=phase, **life)
        is_refused = False
    except InvalidTaskOption:
        is_refused = True
    # Then
    assert is_refused == (first > start + length)


NUMBERS = st.sets(st.integers(0, 5), min_size=1)
TIMES = st.builds(time, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))


@given(fields=st.tuples(NUMBERS, NUMBERS, NUMBERS), first=TIMES, last=TIMES)
def test_a_part_of_the_day_is_refused_exactly_if_no_time_is_in_it(
    fields: tuple[set[int], ...], first: time, last: time
) -> None:
    # Given
    assume(first != last)
    texts = [",".join(map(str, field)) for field in reversed(fields)]
    times = [time(*at) for at in product(*fields)]  # type: ignore[arg-type]
    if first < last:
        is_possible = any(first <= at <= last for at in times)
    else:
        is_possible = any(at >= first or at <= last for at in times)
    # When
    try:
        ScheduledTask(task, f"{' '.join(texts)} * * *", between=(first, last))
        is_refused = False
    except InvalidTaskOption:
        is_refused = True
    # Then
    assert is_refused is not is_possible


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        (45, 45),
        (DAY, 86400),
        ("* * * * *", 60),
        ("*/20 * * * * *", 20),
        ("5,50 * * * * *", 15),
        ("0 0,10 * * * *", 600),
        ("0,59 * * * *", 60),
        ("0 8-18/5 * * *", 18000),
        ("0 9 * * MON", 86400),
        ("@hourly", 3600),
        ("0 22,1 * * *", 3 * 3600),
    ],
)
def test_no_success_can_be_expected_sooner_than_the_next_tick(
    schedule: Any, gap: int
) -> None:
    assert ScheduledTask(task, schedule, expect_within=gap + 1)
    with pytest.raises(InvalidTaskOption, match=f"at least {gap} s apart"):
        ScheduledTask(task, schedule, expect_within=gap)


def test_what_a_group_expects_is_checked_for_each_task_in_it() -> None:
    with Schedule.group(expect_within=timedelta(hours=2)):
        Schedule.hourly()
        with pytest.raises(InvalidTaskOption, match="expect_within=7200"):
            Schedule.daily()
