from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jtc.cli.times import parse_age, parse_moment, parse_seconds

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
