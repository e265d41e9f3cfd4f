from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jtc.cli.errors import NotInModules

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

TASKS = '''
from datetime import date

from jtc.schedule import Schedule


@Schedule.cron("0 9 * * *", timezone="Europe/Berlin", exclude=date(2026, 3, 2))
async def report(ctx):
    """Write the réport, and
    mail it; to all."""


@Schedule.every(28_800, jitter=600)
async def sync(ctx):
    pass


@Schedule.every(60, enabled=False)
async def retired(ctx):
    pass
'''
RANGE = ("--from", "2026-03-01T23:00", "--to", "2026-03-03T08:00")


def find(name: str, text: str) -> list[str]:
    """Return the values of a property of all events."""
    return re.findall(rf"^{name}:(.*?)\r?$", text, re.MULTILINE)


@pytest.fixture(autouse=True)
def _tasks(write: Write) -> None:
    write("tasks.py", TASKS)


def test_the_ticks_of_all_tasks_are_shown_in_the_order_they_fire(run: Run) -> None:
    answer = run("schedule", "simulate", *RANGE, REDIS_URL="redis://no.where:1")
    assert answer.returncode == 0
    expected = """\
Mon 2026-03-02 00:06:32 UTC  sync
Mon 2026-03-02 08:00:00 UTC  report  skipped: excluded
Mon 2026-03-02 08:07:25 UTC  sync
Mon 2026-03-02 16:08:24 UTC  sync
Tue 2026-03-03 00:06:53 UTC  sync
Tue 2026-03-03 08:00:00 UTC  report
Tue 2026-03-03 08:06:46 UTC  sync
"""
    assert answer.stdout == expected
    assert answer.stderr == "7 tick(s), 1 of them skipped.\n"


def test_times_are_read_and_shown_in_the_zone_that_is_asked_for(invoke: Invoke) -> None:
    words = ("--from", "2026-03-03T08:00", "--to", "90m", "--timezone", "Europe/Berlin")
    answer = invoke("schedule", "simulate", *words)
    assert answer.stdout == (
        "Tue 2026-03-03 09:00:00 CET  report\nTue 2026-03-03 09:06:46 CET  sync\n"
    )


def test_tasks_that_are_named_are_shown_only(invoke: Invoke) -> None:
    answer = invoke("schedule", "simulate", "report", *RANGE)
    assert [line.split()[4] for line in answer.stdout.splitlines()] == ["report"] * 2
    with pytest.raises(NotInModules, match="Did you mean 'report'"):
        invoke("schedule", "simulate", "report", "repord", *RANGE)


def test_a_day_from_now_on_is_simulated_unless_told_otherwise(invoke: Invoke) -> None:
    ticks = json.loads(invoke("schedule", "simulate", "--json").stdout)
    assert [one["task"] for one in ticks].count("sync") == 3


def test_programs_read_the_nominal_time_and_when_it_fires(invoke: Invoke) -> None:
    answer = invoke("schedule", "simulate", *RANGE, "--json")
    assert answer.stderr == ""
    ticks = json.loads(answer.stdout)
    assert ticks[1] == {
        "task": "report",
        "tick": "2026-03-02T08:00:00Z",
        "fires": "2026-03-02T08:00:00Z",
        "outcome": "skipped:excluded",
    }
    assert ticks[0]["tick"] == "2026-03-02T00:00:00Z"
    assert "2026-03-02T00:00:00Z" < ticks[0]["fires"] < "2026-03-02T00:10:00Z"


def test_a_calendar_holds_the_ticks_that_fire(run: Run) -> None:
    answer = run("schedule", "simulate", *RANGE, "--ics", PYTHONIOENCODING="ascii")
    assert answer.stderr == ""
    text = answer.stdout.replace("\n ", "")
    assert text.startswith("BEGIN:VCALENDAR\nVERSION:2.0\n")
    assert text.endswith("END:VEVENT\nEND:VCALENDAR\n")
    assert find("SUMMARY", text) == ["sync"] * 4 + ["report", "sync"]
    assert find("DTSTART", text)[-2:] == ["20260303T080000Z", "20260303T080646Z"]
    assert find("DESCRIPTION", text) == ["Write the réport\\, and mail it\\; to all."]


def test_a_calendar_that_is_written_again_has_the_same_events(invoke: Invoke) -> None:
    def uids(*words: str) -> list[str]:
        text = invoke("schedule", "simulate", *words, "--ics").stdout
        return find("UID", text)

    later = uids("--from", "2026-03-02T12:00", "--to", "2026-03-03T12:00")
    earlier = uids(*RANGE)
    assert len(set(earlier)) == 6
    assert later == earlier[2:]


def test_a_calendar_has_the_line_ends_of_its_format(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start("schedule", "simulate", *RANGE, "--ics")
    assert isinstance(process.stdout, io.TextIOWrapper)
    data = process.stdout.buffer.read()
    assert data.count(b"\n") == data.count(b"\r\n") > 40


def test_no_task_says_where_it_looked(invoke: Invoke, project: Path) -> None:
    (project / "tasks.py").unlink()
    text = invoke("schedule", "simulate").stdout
    assert text.startswith("No scheduled tasks found. Looked at:\n")
    assert invoke("schedule", "simulate", "--json").stdout == "[]\n"
    assert "END:VCALENDAR" in invoke("schedule", "simulate", "--ics").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "--ics"], "--json and --ics exclude each other"),
        (["--from", "x"], "'--from': 'x' is no time"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "it is before --from"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    invoke: Invoke, words: list[str], said: str
) -> None:
    answer = invoke("schedule", "simulate", *words)
    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())
