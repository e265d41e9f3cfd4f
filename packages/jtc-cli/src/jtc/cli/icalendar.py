"""Times as a calendar file of RFC 5545, which calendar programs subscribe to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_LINE = 75
PRODUCT = "-//jtc//jtc schedule simulate//EN"


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """Something that happens at a point in time.

    Attributes:
        identity: Tells it from all other events, the same in each file that holds it:
            a calendar that reads a newer file then knows the event.
        name: What it is called.
        start: When it happens, aware.
        description: What it is, or "".
    """

    identity: str
    name: str
    start: datetime
    description: str = ""

    @property
    def uid(self) -> str:
        """The identity in letters that any calendar program takes."""
        return f"{hashlib.sha256(self.identity.encode()).hexdigest()[:32]}@jtc"


def write_calendar(events: Iterable[CalendarEvent], *, now: datetime) -> Iterator[str]:
    r"""Yield the lines of a calendar file, each with its line break.

    Args:
        events: In the order in which they are written.
        now: When the file was made, aware.

    Example:
        >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> event = CalendarEvent("report@2026-03-02", "report", nine)
        >>> list(write_calendar([event], now=nine))[6]
        'DTSTART:20260302T090000Z\r\n'
    """
    yield from _lines("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}")
    for event in events:
        yield from _write_event(event, now)
    yield from _lines("END:VCALENDAR")


def escape_text(text: str) -> str:
    r"""Return a text as the value of a property.

    Example:
        >>> escape_text("a, b; c\nd")
        'a\\, b\\; c\\nd'
    """
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\\n".join(_without_controls(lines))


def fold_line(line: str) -> str:
    """Return a line cut into pieces of at most 75 bytes, none inside a letter.

    Each piece but the first begins with a blank, which does not belong to the text.
    """
    pieces: list[str] = []
    piece, size = "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > LONGEST_LINE:
            pieces.append(piece)
            # The blank counts.
            piece, size = "", 1
        piece += letter
        size += width
    return "\r\n ".join([*pieces, piece])


def _write_event(event: CalendarEvent, now: datetime) -> Iterator[str]:
    yield from _lines("BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{_utc(now)}")
    yield from _lines(f"DTSTART:{_utc(event.start)}")
    yield from _lines(f"SUMMARY:{escape_text(event.name)}")
    if event.description:
        yield from _lines(f"DESCRIPTION:{escape_text(event.description)}")
    # It takes nobody's time.
    yield from _lines("TRANSP:TRANSPARENT", "END:VEVENT")


def _lines(*contents: str) -> Iterator[str]:
    for content in contents:
        yield f"{fold_line(content)}\r\n"


def _without_controls(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield "".join(letter for letter in line if letter >= " " and letter != "\x7f")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
