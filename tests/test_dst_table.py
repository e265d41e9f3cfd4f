from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jtc.queue.clock_change import ClockChange, clock_changes
from jtc.queue.ticks import ticks_after
from jtc.schedule import ScheduledTask
from jtc.schedule.options import Dst

PAGE = Path(__file__).parents[1] / "docs/dst.md"
HEADING = re.compile(r"### (?P<zone>[A-Z]\w+/\w+)")
ROW = re.compile(r"\| (?P<old>\d{4}-\d\d-\d\d \d\d:\d\d) → (?P<new>[^|]+?) \|")
AROUND = timedelta(hours=2)
DAY = timedelta(days=1)
RULES: tuple[Dst, ...] = ("auto", "skip", "repeat")
ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
    "Africa/Casablanca",
]


@dataclass(frozen=True, slots=True)
class Row:
    """What the page says of an expression around one change of the clocks."""

    zone: str
    old: str
    new: str
    expression: str
    cells: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.zone} {self.old} {self.expression}"

    def change(self) -> ClockChange:
        """The change of the clocks that the row is about."""
        old = datetime.fromisoformat(f"{self.old}+00:00")
        changes = clock_changes(self.zone, old - 2 * DAY, old + 2 * DAY)
        [change] = [change for change in changes if change.old == old]
        return change


def read_rows() -> Iterator[Row]:
    zone = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := HEADING.fullmatch(line):
            zone = heading["zone"]
        if row := ROW.match(line):
            _, expression, *cells = map(str.strip, line.strip("|").split("|"))
            yield Row(zone, row["old"], row["new"], expression.strip("`"), (*cells,))


ROWS = list(read_rows())


def shown(row: Row, rule: Dst) -> str:
    task = ScheduledTask(print, row.expression, timezone=row.zone, dst=rule)
    at = row.change().at
    ticks = ticks_after(task, at - AROUND - timedelta(microseconds=1))
    near = takewhile(lambda tick: tick < at + AROUND, ticks)
    local = (tick.astimezone(ZoneInfo(row.zone)) for tick in near)
    return ", ".join(f"{tick:%H:%M %Z}" for tick in local) or "never"


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_cell_of_the_page_is_what_the_code_does(row: Row) -> None:
    assert row.cells == tuple(shown(row, rule) for rule in RULES)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_clocks_of_the_page_are_those_of_the_zone(row: Row) -> None:
    change = row.change()
    same_day = change.new.date() == change.old.date()
    assert row.new == f"{change.new:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}}"


def test_the_page_has_every_zone_in_both_directions() -> None:
    # Given
    found = {(row.zone, row.change().is_fold) for row in ROWS}
    # Then; the clocks of Apia skipped a day and never repeated one
    assert found == {(zone, fold) for zone in ZONES for fold in (False, True)} - {
        ("Pacific/Apia", True)
    }


def test_the_page_has_the_three_cases_on_which_schedulers_differ() -> None:
    found = {(row.zone, row.old[:10], row.expression) for row in ROWS}
    assert {
        ("America/New_York", "2026-03-08", "30 2 * * *"),
        ("America/New_York", "2026-11-01", "0 * * * *"),
        ("America/New_York", "2026-11-01", "30 1 * * *"),
    } <= found
