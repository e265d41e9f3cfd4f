from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jtc.cli.times import (
    format_day_and_time,
    format_for_programs,
    format_moment,
    parse_age,
    parse_moment,
    parse_moment_ahead,
    parse_seconds,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("45s", 45), ("90m", 5400), ("2h", 7200), ("7d", 604800)],
)
def test_an_age_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30.0), ("0.5", 0.5), ("90m", 5400.0), ("1d", 86400.0)]
)
def test_a_duration_may_also_be_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1e3", "nan", "1.5h", "²"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration: give a whole number"):
        parse_seconds(text)


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-1h", "1.5h", "2w", "9999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration: give a whole number"):
        parse_age(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ("2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
        ("2026-02-28T12:30", datetime(2026, 2, 28, 12, 30, tzinfo=UTC)),
        ("2026-02-28T12:30+01:00", datetime(2026, 2, 28, 11, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago_it_was(text: str, moment: datetime) -> None:
    assert parse_moment(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "12:30", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: give one such as"):
        parse_moment(text, now=NOW)


BERLIN = ZoneInfo("Europe/Berlin")


def test_a_time_that_names_no_zone_is_in_the_one_that_was_asked_for() -> None:
    moment = parse_moment("2026-03-01T09:00", now=NOW, zone=BERLIN)
    assert moment == datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", datetime(2026, 3, 1, 11, tzinfo=UTC)),
        ("0s", NOW),
        ("2026-02-28", datetime(2026, 2, 27, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_ahead_is_a_time_or_how_long_it_is_until_then(
    text: str, moment: datetime
) -> None:
    assert parse_moment_ahead(text, now=NOW, zone=BERLIN) == moment


def test_what_is_no_moment_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="or how long it is until then, such as 90m"):
        parse_moment_ahead("tomorrow", now=NOW)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW + timedelta(hours=23), "09:00:00"),
        (NOW - timedelta(hours=1), "09:00:00"),
        (NOW + timedelta(days=1), "Mar 02 10:00"),
        (NOW - timedelta(days=3, seconds=5), "Feb 26 09:59:55"),
        (NOW + timedelta(days=365), "2027-03-01 10:00"),
    ],
)
def test_a_moment_has_a_date_if_it_is_a_day_away(moment: datetime, text: str) -> None:
    assert format_moment(moment, now=NOW, zone=BERLIN) == text


def test_a_time_in_full_names_its_zone_on_either_side_of_a_change_of_clocks() -> None:
    new_york = ZoneInfo("America/New_York")
    before = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    texts = [
        format_day_and_time(before + timedelta(hours=hours), zone=new_york)
        for hours in (0, 1)
    ]
    assert texts == ["Sun 2026-11-01 01:30:00 EDT", "Sun 2026-11-01 01:30:00 EST"]


def test_programs_read_utc_and_milliseconds_where_there_are_any() -> None:
    moment = datetime(2026, 3, 1, 10, 0, 0, 250_000, tzinfo=BERLIN)
    assert format_for_programs(moment) == "2026-03-01T09:00:00.250Z"
    assert format_for_programs(NOW) == "2026-03-01T09:00:00Z"
