from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from jtc.queue import RedisQueue, Scheduler, Schedules
from jtc.schedule import ScheduledTask

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]
Ask = Callable[[Callable[[RedisQueue], Any]], Any]

DAY = 86400
NO_SERVER = "redis://me:secret@127.0.0.1:1"
TASKS = '''
from datetime import UTC, datetime

from jtc.schedule import Schedule

later = datetime(2100, 1, 1, tzinfo=UTC)


@Schedule.cron("0 9 * * MON-FRI", timezone="Asia/Tokyo", starts_at=later)
async def remind_debtors(ctx):
    """Send a reminder to whoever has not paid."""


@Schedule.every(30, starts_at=later)
async def poll_the_bank(ctx):
    """Look for new payments."""


@Schedule.every(3600, enabled=False)
async def retired(ctx):
    """Do what nobody needs any more."""


@Schedule.every(3600, starts_at=later, queue="other")
async def elsewhere(ctx):
    """Run on workers of another queue."""
'''


@pytest.fixture(autouse=True)
def _tasks(write: Write) -> None:
    write("tasks.py", TASKS)


def without_days(text: str) -> str:
    """Return a text without what another day would change: the number of days."""
    return re.sub(r"in \d{5} d", "in 12345 d", text)


def test_schedules_are_shown_as_the_server_has_them(
    invoke: Invoke, plant: Callable[..., None], ask: Ask
) -> None:
    # Given
    plant("remind_debtors", "ran", age=3.5 * DAY)
    plant("poll_the_bank", "skipped:paused", age=100.5 * DAY)
    plant("retired", "manual", age=9.5 * DAY, error="OSError: no disk")
    later = datetime(2100, 1, 1, tzinfo=UTC)
    made: dict[str, Any] = {"every": 3600, "job": "shop.jobs.Greet", "starts_at": later}
    ask(lambda queue: Schedules(queue, []).add("tenant-7", **made))
    # When
    answer = invoke("schedule", "list")
    # Then
    assert answer.stderr == ""
    expected = """\
Schedules (times in UTC)
┌────────────────┬──────────────┬────────────┬──────────────────┬──────────────┐
│ Name           │ Schedule     │ Next due   │ Time             │ Last outcome │
├────────────────┼──────────────┼────────────┼──────────────────┼──────────────┤
│ remind_debtors │ 0 9 * *      │ in 12345 d │ 2100-01-01 00:00 │ ran 3 d ago  │
│                │ MON-FRI      │            │                  │              │
│                │ Asia/Tokyo   │            │                  │              │
│ poll_the_bank  │ 30s          │ in 12345 d │ 2100-01-01 00:00 │ skipped:     │
│                │              │            │                  │ paused       │
│                │              │            │                  │ 100 d ago    │
│ retired        │ 3600s        │ disabled   │                  │ failed       │
│                │              │            │                  │ 9 d ago      │
│ elsewhere      │ 3600s        │ in 12345 d │ 2100-01-01 00:00 │              │
│ queue other    │              │            │                  │              │
│ tenant-7       │ 3600s        │ in 12345 d │ 2100-01-01 00:00 │              │
└────────────────┴──────────────┴────────────┴──────────────────┴──────────────┘

Total: 5 schedule(s)
"""
    assert without_days(answer.stdout) == expected


def test_a_task_of_several_queues_is_shown_with_each(
    invoke: Invoke, ask: Ask, monkeypatch: pytest.MonkeyPatch, queue_name: str
) -> None:
    # Given a task that workers of two queues have named
    monkeypatch.setenv("QUEUE_NAME", "main")
    task = ScheduledTask(print, 30, "poll_the_bank")

    async def name_it(queue: RedisQueue) -> None:
        for name in ("main", "other"):
            await Scheduler(RedisQueue(queue.redis, name=name), [task]).sync()
        await Schedules(RedisQueue(queue.redis, name="other")).pause("poll_the_bank")

    async def forget_it(queue: RedisQueue) -> None:
        for name in ("main", "other"):
            keys = [key async for key in queue.redis.scan_iter(f"*{name}*")]
            await queue.redis.delete(*keys)

    ask(name_it)
    try:
        # Then
        text = invoke("schedule", "list").stdout
        cells = [
            line.split("│")[1].strip() for line in text.splitlines() if "│" in line
        ]
        assert cells == [
            *("Name", "remind_debtors", "", "", "poll_the_bank", "queue main"),
            *("poll_the_bank", "queue other", "retired", "elsewhere", "queue other"),
        ]
        assert max(map(len, text.splitlines())) <= 80
        assert "\nPaused: poll_the_bank, queue other, since " in text
        found = json.loads(invoke("schedule", "list", "--json").stdout)
        queues = [one["queue"] for one in found if one["name"] == "poll_the_bank"]
        assert queues == ["main", "other"]
    finally:
        ask(forget_it)


def test_a_wide_terminal_shows_the_age_beside_the_outcome(
    invoke: Invoke, plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    plant("poll_the_bank", "missed:catchup_window", age=100.5 * DAY)
    assert "missed: catchup window 100 d ago" in invoke("schedule", "list").stdout


def test_a_pause_is_told_with_its_note_and_its_end(invoke: Invoke) -> None:
    words = ("pause", "poll_the_bank", "--until", "2100-02-01", "--note", "they move")
    invoke("schedule", *words)
    invoke("schedule", "pause", "remind_debtors")
    text = invoke("schedule", "list").stdout
    lines = [line.split("│")[1:-1] for line in text.splitlines() if "│" in line]
    cells = {
        name.strip(): (due.strip(), time.strip()) for name, _, due, time, _ in lines
    }
    assert cells["poll_the_bank"] == ("paused", "")
    first, second = (line for line in text.splitlines() if "Paused" in line)
    assert re.fullmatch(r"Paused: remind_debtors, since \d\d:\d\d:\d\d", first)
    assert second.startswith("Paused: poll_the_bank, since ")
    assert second.endswith(", until 2100-02-01 00:00: they move")


def test_without_a_server_it_is_what_the_modules_declare(run: Run) -> None:
    answer = run("schedule", "list", "--redis", NO_SERVER)
    assert answer.returncode == 0
    assert "poll_the_bank" in answer.stdout
    assert answer.stdout.endswith("\nTotal: 4 schedule(s)\n")
    first, second = answer.stderr.splitlines()
    assert first.startswith("Cannot use a Redis server at redis://me:***@127.0.0.1:1:")
    assert second.startswith("So this is what the modules declare;")


def test_programs_read_the_same_with_and_without_a_server(
    invoke: Invoke, run: Run, queue_name: str
) -> None:
    with_server = json.loads(invoke("schedule", "list", "--json").stdout)
    words = ("schedule", "list", "--json", "--redis", NO_SERVER, "-q", queue_name)
    without = json.loads(run(*words).stdout)
    assert without == [one for one in with_server if one["queue"] == queue_name]
    assert with_server[0] == {
        "name": "remind_debtors",
        "schedule": "0 9 * * MON-FRI",
        "type": "cron",
        "description": "Send a reminder to whoever has not paid.",
        "timezone": "Asia/Tokyo",
        "queue": queue_name,
        "target": {"kind": "task", "name": "remind_debtors"},
        "in_code": True,
        "enabled": True,
        "next_due": "2100-01-01T00:00:00Z",
        "paused": None,
        "last": None,
    }
    assert [one["enabled"] for one in with_server] == [True, True, False, True]
    assert with_server[2]["next_due"] is None


def test_programs_read_pauses_outcomes_and_schedules_made_at_run_time(
    invoke: Invoke, plant: Callable[..., None], ask: Ask
) -> None:
    plant("poll_the_bank", "ran", age=60, duration=0.5, attempts=2, worker="w1")
    invoke("schedule", "pause", "poll_the_bank", "--until", "2100-02-01T00:00")
    made: dict[str, Any] = {
        "cron": "@daily",
        "job": "shop.jobs.Greet",
        "payload": {"name": "Ada"},
    }
    ask(lambda queue: Schedules(queue, []).add("tenant-7", **made))
    found = json.loads(invoke("schedule", "list", "--json").stdout)
    by_name = {one["name"]: one for one in found}
    assert list(by_name) == [
        *("remind_debtors", "poll_the_bank", "retired", "elsewhere", "tenant-7")
    ]
    polling, made_here = by_name["poll_the_bank"], by_name["tenant-7"]
    assert polling["paused"]["until"] == "2100-02-01T00:00:00Z"
    assert polling["paused"]["note"] == ""
    assert polling["last"]["outcome"] == "ran"
    assert (polling["last"]["duration"], polling["last"]["attempts"]) == (0.5, 2)
    assert made_here["in_code"] is False
    assert made_here["target"] == {"kind": "job", "name": "shop.jobs.Greet"}


def test_the_soonest_come_first_if_only_some_are_asked_for(
    invoke: Invoke, ask: Ask
) -> None:
    def names(*words: str) -> list[str]:
        found = json.loads(invoke("schedule", "list", "--json", *words).stdout)
        return [one["name"] for one in found]

    ask(lambda queue: Schedules(queue, []).add("often", every=1, job="shop.jobs.Greet"))
    assert names("--next", "3") == ["often", "remind_debtors", "poll_the_bank"]
    invoke("schedule", "pause", "often")
    assert names("--next", "1") == ["remind_debtors"]


def test_times_are_shown_in_the_zone_that_is_asked_for(invoke: Invoke) -> None:
    text = invoke("schedule", "list", "--timezone", "America/New_York").stdout
    assert text.startswith("Schedules (times in America/New_York)\n")
    assert "2099-12-31 19:00" in text


def test_a_queue_that_is_named_has_its_own_schedules_only(invoke: Invoke) -> None:
    answer = invoke("schedule", "list", "--json", "--queue", "other")
    names = [one["name"] for one in json.loads(answer.stdout)]
    assert names == ["remind_debtors", "poll_the_bank", "retired", "elsewhere"]


def test_no_schedule_says_where_it_looked(invoke: Invoke, project: Path) -> None:
    (project / "tasks.py").unlink()
    text = invoke("schedule", "list").stdout
    assert text.startswith("No scheduled tasks found. Looked at:\n")
    assert json.loads(invoke("schedule", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--next", "0"], "--next"),
        (["--timezone", "Europe/Berln"], "near to it are Europe/Berlin"),
        (["tasks"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    invoke: Invoke, words: list[str], said: str
) -> None:
    answer = invoke("schedule", "list", *words)
    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())


def test_a_setting_that_is_no_good_is_named(run: Run) -> None:
    answer = run("schedule", "list", JTC_TIMEZONE="Mars")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("Error: JTC_TIMEZONE")


def test_a_moment_ago_is_just_now(invoke: Invoke, plant: Callable[..., None]) -> None:
    plant("poll_the_bank", "ran", age=-timedelta(hours=1).total_seconds())
    assert "just now" in invoke("schedule", "list").stdout
