from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.cli.icalendar import CalendarEvent, escape_text, fold_line, write_calendar

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def read_properties(text: str) -> list[tuple[str, str]]:
    """Read a calendar file back, as RFC 5545 says (sections 3.1 and 3.3.11)."""
    assert text.endswith("\r\n")
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75
        assert "\n" not in line
        assert "\r" not in line
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    return [tuple(line.split(":", 1)) for line in lines]  # type: ignore[misc]


def unescape(value: str) -> str:
    parts = value.split("\\\\")
    for mark, letter in (("\\n", "\n"), ("\\,", ","), ("\\;", ";")):
        parts = [part.replace(mark, letter) for part in parts]
    return "\\".join(parts)


def test_an_event_is_written_with_all_that_a_calendar_requires() -> None:
    nine_in_berlin = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    event = CalendarEvent("shop report 1", "report", nine_in_berlin, "Mail it.")
    text = "".join(write_calendar([event], now=NINE - timedelta(days=1)))
    assert read_properties(text) == [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//jtc//jtc schedule simulate//EN"),
        ("BEGIN", "VEVENT"),
        ("UID", event.uid),
        ("DTSTAMP", "20260301T090000Z"),
        ("DTSTART", "20260302T090000Z"),
        ("SUMMARY", "report"),
        ("DESCRIPTION", "Mail it."),
        ("TRANSP", "TRANSPARENT"),
        ("END", "VEVENT"),
        ("END", "VCALENDAR"),
    ]


def test_a_file_without_events_is_a_calendar_still() -> None:
    text = "".join(write_calendar([], now=NINE))
    assert [name for name, _ in read_properties(text)] == [
        *("BEGIN", "VERSION", "PRODID", "END")
    ]


def test_an_event_without_a_description_has_none() -> None:
    text = "".join(write_calendar([CalendarEvent("x", "x", NINE)], now=NINE))
    assert "DESCRIPTION" not in text


def test_a_uid_says_which_event_it_is_whatever_is_said_of_it() -> None:
    first = CalendarEvent("shop report 1", "report", NINE)
    renamed = CalendarEvent("shop report 1", "Report", NINE, "Mail it.")
    second = CalendarEvent("shop report 2", "report", NINE)
    assert first.uid == renamed.uid == "2728d11b5131d1b3088727fb7974e37b@jtc"
    assert first.uid != second.uid


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a, b; c", "a\\, b\\; c"),
        ("back\\slash", "back\\\\slash"),
        ("two\r\nlines\rand\nthree", "two\\nlines\\nand\\nthree"),
        ("bell\x07 tab\t nul\x00", "bell tab nul"),
    ],
)
def test_what_has_a_meaning_in_a_calendar_is_escaped(text: str, escaped: str) -> None:
    assert escape_text(text) == escaped


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_any_text_comes_back(text: str) -> None:
    event = CalendarEvent("x", f"name {text}", NINE, f"text {text}")
    properties = read_properties("".join(write_calendar([event], now=NINE)))
    assert unescape(dict(properties)["SUMMARY"]) == f"name {text}"
    assert unescape(dict(properties)["DESCRIPTION"]) == f"text {text}"


def test_a_long_line_is_cut_between_letters_only() -> None:
    assert fold_line("x" * 75) == "x" * 75
    assert fold_line("x" * 76) == "x" * 75 + "\r\n x"
    assert fold_line("x" * 74 + "ä") == "x" * 74 + "\r\n ä"
    assert fold_line("x" * 75 + "y" * 75) == f"{'x' * 75}\r\n {'y' * 74}\r\n y"
