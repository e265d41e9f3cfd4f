from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jtc.cli.outcomes import (
    describe_last,
    describe_record,
    has_failed,
    record_as_json,
)
from jtc.queue import TickRecord

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def record(outcome: str, error: str | None = None) -> TickRecord:
    at = NOW - timedelta(hours=3)
    return TickRecord(
        name="report", tick=at, until=at, outcome=outcome, at=at, error=error
    )


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        ("ran", None, "ran"),
        ("ran", "ValueError: x", "failed"),
        ("ran", "", "failed"),
        ("caught_up", None, "caught up"),
        ("caught_up", "ValueError: x", "failed (caught up)"),
        ("manual", "ValueError: x", "failed (manual)"),
        ("skipped:outside_window", None, "skipped: outside window"),
        ("skipped:when", "ValueError: x", "skipped: when"),
        ("missed:no_worker", None, "missed: no worker"),
    ],
)
def test_what_became_of_a_tick_is_told_in_words(
    outcome: str, error: str | None, words: str
) -> None:
    assert describe_record(record(outcome, error)) == words
    assert has_failed(record(outcome, error)) is words.startswith("failed")


@pytest.mark.parametrize(
    ("outcome", "room", "words"),
    [
        ("ran", None, "ran 3 h ago"),
        ("ran", 11, "ran 3 h ago"),
        ("ran", 10, "ran\n3 h ago"),
        ("missed:catchup_window", None, "missed: catchup window 3 h ago"),
    ],
)
def test_the_last_outcome_has_an_age_below_it_if_there_is_no_room(
    outcome: str, room: int | None, words: str
) -> None:
    assert describe_last(record(outcome), now=NOW, room=room) == words


def test_a_run_that_failed_is_told_briefly() -> None:
    assert describe_last(record("manual", "x"), now=NOW) == "failed 3 h ago"


def test_nothing_is_told_of_what_is_not_known() -> None:
    assert describe_last(None, now=NOW) == ""


def test_programs_read_times_as_iso_8601() -> None:
    found = record_as_json(record("ran"))
    assert found["tick"] == found["recorded_at"] == "2026-03-01T06:00:00Z"
    assert (found["started_at"], found["count"]) == (None, 1)
