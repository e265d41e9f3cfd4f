from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from jtc.queue.clock_change import clock_changes

MINUTE = timedelta(minutes=1)
QUARTER = 15 * MINUTE
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]


def year(number: int) -> tuple[datetime, datetime]:
    return datetime(number, 1, 1, tzinfo=UTC), datetime(number + 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_changes_are_where_the_clocks_are_further_from_utc_or_nearer(
    zone: str,
) -> None:
    # Given a year in quarters of an hour, at which all these clocks change
    start, end = year(2011)
    moments = (start + n * QUARTER for n in range((end - start) // QUARTER + 1))
    offsets = [(m, m.astimezone(ZoneInfo(zone)).utcoffset()) for m in moments]
    expected = [(later, a, b) for (_, a), (later, b) in pairwise(offsets) if a != b]
    # Then the changes are the same
    changes = clock_changes(zone, start, end)
    assert [(c.at, c.before, c.after) for c in changes] == expected


def test_a_change_belongs_to_what_ends_with_it_not_to_what_begins_with_it() -> None:
    change, _ = clock_changes("Europe/Paris", *year(2026))
    assert clock_changes("Europe/Paris", change.at - MINUTE, change.at) == [change]
    assert clock_changes("Europe/Paris", change.at, change.at + MINUTE) == []


def test_a_skipped_day_is_a_gap_and_a_repeated_half_hour_is_a_fold() -> None:
    # Given
    [_, apia] = [c for c in clock_changes("Pacific/Apia", *year(2011)) if not c.is_fold]
    [lord_howe] = [
        c for c in clock_changes("Australia/Lord_Howe", *year(2026)) if c.is_fold
    ]
    # Then
    assert f"{apia.old:%m-%d %H:%M} {apia.new:%m-%d %H:%M}" == "12-30 00:00 12-31 00:00"
    assert f"{lord_howe.old:%H:%M} {lord_howe.new:%H:%M}" == "02:00 01:30"


def test_changes_of_many_years_come_in_order() -> None:
    changes = clock_changes("Africa/Casablanca", year(2020)[0], year(2030)[0])
    assert len(changes) == 21
    assert changes == sorted(changes, key=lambda change: change.at)
