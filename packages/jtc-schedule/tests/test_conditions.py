from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jtc.schedule import ScheduledTask, skip_reason

# A Monday.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def task(schedule: str | int = "@hourly", **options: Any) -> ScheduledTask:
    return ScheduledTask(print, schedule, "report", **options)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("options", "nominal", "environment", "reason"),
    [
        ({}, at(12), None, None),
        ({"environments": "production"}, at(12), "production", None),
        ({"environments": "production"}, at(12), "staging", "environment"),
        ({"environments": "production"}, at(12), None, "environment"),
        ({"days": "mon"}, at(23, 59), None, None),
        ({"days": "mon"}, at(24), None, "days"),
        ({"days": "sun"}, at(12, day=-1), None, None),
        ({"days": "weekdays"}, at(12, day=5), None, "days"),
        ({"between": ("09:00", "17:00")}, at(8, 59), None, "between"),
        ({"between": ("09:00", "17:00")}, at(9), None, None),
        ({"between": ("09:00", "17:00")}, at(17), None, None),
        ({"between": ("09:00", "17:00")}, at(17, 1), None, "between"),
        ({"between": ("22:00", "06:00")}, at(22), None, None),
        ({"between": ("22:00", "06:00")}, at(6), None, None),
        ({"between": ("22:00", "06:00")}, at(12), None, "between"),
        ({"exclude": "2026-03-02"}, at(12), None, "excluded"),
        ({"exclude": "2026-03-02"}, at(24), None, None),
        ({"exclude": ("2026-03-01", "2026-03-03")}, at(24), None, "excluded"),
        ({"exclude": [lambda moment: moment.hour == 12]}, at(12), None, "excluded"),
        ({"exclude": [lambda moment: moment.hour == 12]}, at(13), None, None),
    ],
)
def test_a_condition_says_why_a_tick_is_skipped(
    options: Any, nominal: datetime, environment: str | None, reason: str | None
) -> None:
    assert skip_reason(task(**options), nominal, environment) == reason


def test_the_coarser_condition_is_the_reason() -> None:
    options: dict[str, Any] = {"between": ("09:00", "17:00")}
    reasons = [skip_reason(task(**options), at(3), None)]

    for option in ({"days": "sun"}, {"exclude": "2026-03-02"}, {"environments": "x"}):
        options |= option
        reasons.append(skip_reason(task(**options), at(3), None))

    assert reasons == ["between", "days", "excluded", "environment"]


@pytest.mark.parametrize("schedule", ["@hourly", 3600])
def test_conditions_are_read_in_the_zone_of_the_task(schedule: str | int) -> None:
    in_tokyo = task(
        schedule, timezone="Asia/Tokyo", days="tue", between=("00:00", "01:00")
    )

    # Tuesday 00:30 there.
    assert skip_reason(in_tokyo, at(15, 30), None) is None
    assert skip_reason(in_tokyo, at(0, 30, day=1), None) == "between"
    assert skip_reason(in_tokyo, at(14, 30), None) == "days"


def test_a_function_is_asked_in_the_zone_of_the_task() -> None:
    asked: list[datetime] = []
    in_tokyo = task(timezone="Asia/Tokyo", exclude=asked.append)

    skip_reason(in_tokyo, at(15, 30), None)

    assert asked[0] == at(15, 30)
    assert asked[0].date() == date(2026, 3, 3)


def test_a_function_that_fails_excludes_the_tick(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(moment: datetime) -> bool:
        raise LookupError("no calendar")

    with caplog.at_level(logging.ERROR):
        reason = skip_reason(task(exclude=broken), at(12), None)

    assert reason == "excluded"
    (record,) = caplog.records
    assert "exclude= of task report failed for 2026-03-02T12:00" in record.getMessage()
    assert getattr(record, "action", None) == "exclusion_failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


def test_a_function_that_fails_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a function that fails for each tick, and one more of the same text
    def broken_one() -> Callable[[datetime], bool]:
        def broken(moment: datetime) -> bool:
            raise LookupError("no calendar")

        return broken

    first, second = task(exclude=broken_one()), task(exclude=broken_one())
    # When
    with caplog.at_level(logging.ERROR):
        reasons = {skip_reason(first, at(hour), None) for hour in range(24)}
        reasons.add(skip_reason(first.in_timezone("UTC"), at(12), None))
        assert len(caplog.records) == 1
        reasons.add(skip_reason(second, at(12), None))
    # Then each tick is excluded, and each function is named once
    assert reasons == {"excluded"}
    assert len(caplog.records) == 2
    message = caplog.records[0].getMessage()
    assert "broken_one.<locals>.broken" in message
    assert "count as excluded until it is mended; it is not logged again" in message


def test_what_a_function_returns_is_taken_as_true_or_false() -> None:
    assert skip_reason(task(exclude=lambda moment: []), at(12), None) is None
    assert skip_reason(task(exclude=lambda moment: [1]), at(12), None) == "excluded"


MOMENTS = st.integers(0, 2_500_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
TIMES = st.times().map(lambda moment: moment.replace(microsecond=0))
ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"])


@given(first=TIMES, last=TIMES, moment=MOMENTS, zone=ZONES)
def test_a_time_is_between_two_or_between_them_the_other_way_round(
    first: time, last: time, moment: datetime, zone: str
) -> None:
    local = moment.astimezone(ZoneInfo(zone)).time()
    assume(first != last and local not in (first, last))

    often = partial(task, "* * * * * *", timezone=zone)
    inside = skip_reason(often(between=(first, last)), moment, None)
    outside = skip_reason(often(between=(last, first)), moment, None)

    assert {inside, outside} == {None, "between"}


@given(moment=MOMENTS, zone=ZONES, days=st.frozensets(st.integers(0, 6), min_size=1))
def test_a_tick_is_on_one_of_the_days_or_skipped(
    moment: datetime, zone: str, days: frozenset[int]
) -> None:
    weekday = int(moment.astimezone(ZoneInfo(zone)).strftime("%w"))

    reason = skip_reason(task(timezone=zone, days=days), moment, None)

    assert reason == (None if weekday in days else "days")
