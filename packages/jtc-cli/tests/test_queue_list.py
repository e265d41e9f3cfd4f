from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import jtc.cli

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

DAY = 86400


@pytest.fixture
def list_tasks(project: Path) -> Callable[..., str]:
    """Run `jtc queue list` in this process."""

    def run_list(*words: str) -> str:
        result = CliRunner().invoke(
            jtc.cli.app, ["queue", "list", *words], catch_exceptions=False
        )
        assert result.exit_code == 0
        return result.stdout

    return run_list


@pytest.mark.usefixtures("tasks")
def test_the_table_shows_each_task(list_tasks: Callable[..., str]) -> None:
    lines = list_tasks().splitlines()
    assert lines[0] == "Scheduled Tasks"
    head = [cell.strip() for cell in lines[2].split("│")[1:-1]]
    assert head == ["Name", "Schedule", "Type", "Description", "Next due (UTC)"]
    first = [cell.strip() for cell in lines[4].split("│")[1:-1]]
    assert first[:3] == ["heartbeat", "1s", "interval"]
    assert lines[-1] == "Total: 2 task(s)"
    assert {len(line) for line in lines[1:-2]} == {80}


@pytest.mark.usefixtures("tasks")
def test_json_has_one_object_for_each_task(list_tasks: Callable[..., str]) -> None:
    beat, report = json.loads(list_tasks("--json"))
    assert beat["schedule"] == 1
    assert report["timezone"] == "Europe/Berlin"
    assert report["next_due"].endswith("Z")
    assert set(beat) == set(report)
    assert set(beat) == {
        *("name", "schedule", "type", "description", "timezone", "next_due", "last")
    }
    assert beat["last"] is None


def test_no_task_says_where_it_looked(
    list_tasks: Callable[..., str], project: Path
) -> None:
    text = list_tasks()
    assert text.startswith("No scheduled tasks found. Looked at:\n")
    assert str(project) in text


def test_no_task_is_an_empty_list_for_a_program(
    list_tasks: Callable[..., str],
) -> None:
    assert json.loads(list_tasks("--json")) == []


def test_an_app_is_listed_without_a_server(run: Run, write: Write, tasks: Path) -> None:
    tasks.rename(tasks.with_name("elsewhere.py"))
    answer = run("queue", "list", "-A", "elsewhere.py", REDIS_URL="redis://no.where:1")
    assert answer.returncode == 0
    assert "nightly_report" in answer.stdout
    assert answer.stderr == ""


def test_a_module_that_fails_ends_the_command(run: Run, write: Write) -> None:
    write("tasks.py", "1 / 0")
    answer = run("queue", "list")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("Error: Cannot import tasks (")
    assert answer.stderr.count("Traceback") == 1
    assert "importlib" not in answer.stderr


@pytest.mark.usefixtures("tasks")
def test_a_pipe_that_is_closed_early_is_no_error(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start("queue", "list")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""


# With a server


REPORTS = '''
from datetime import UTC, datetime

from jtc.schedule import Schedule

later = datetime(2100, 1, 1, tzinfo=UTC)


@Schedule.every(3600, starts_at=later)
async def count_orders(ctx):
    """Count the orders of yesterday."""


@Schedule.every(3600, starts_at=later)
async def remind_debtors(ctx):
    """Send a reminder to whoever has not paid."""
    raise ConnectionError("the mail server does not answer")


@Schedule.every(3600, starts_at=later, queue="other")
async def elsewhere(ctx):
    """Run on workers of another queue."""


@Schedule.every(3600, enabled=False)
async def retired(ctx):
    """Do what nobody needs any more."""
'''


@pytest.fixture
def run_twice(
    invoke: Callable[..., Result],
    write: Write,
    run: Run,
    server_url: str,
    queue_name: str,
) -> None:
    """Have two of four tasks run by a worker."""
    write("tasks.py", REPORTS)
    invoke("schedule", "trigger", "count_orders")
    invoke("schedule", "trigger", "remind_debtors")
    run("queue", "work", "--burst", REDIS_URL=server_url, QUEUE_NAME=queue_name)


def test_the_last_outcome_is_below_the_next_time_in_80_columns(
    invoke: Callable[..., Result], write: Write, plant: Callable[..., None]
) -> None:
    write("tasks.py", REPORTS)
    plant("count_orders", "ran", age=3.5 * DAY)
    plant("remind_debtors", "caught_up", age=9.5 * DAY, error="OSError: no disk")
    plant("retired", "missed:catchup_window", age=40.5 * DAY)
    expected = """\
Scheduled Tasks
┌────────────────┬──────────┬──────────┬──────────────┬────────────────────────┐
│                │          │          │              │ Next due (UTC)         │
│ Name           │ Schedule │ Type     │ Description  │ Last outcome           │
├────────────────┼──────────┼──────────┼──────────────┼────────────────────────┤
│ count_orders   │ 3600s    │ interval │ Count the    │ 2100-01-01 00:00       │
│                │          │          │ orders of    │ ran 3 d ago            │
│                │          │          │ yesterday.   │                        │
│ remind_debtors │ 3600s    │ interval │ Send a       │ 2100-01-01 00:00       │
│                │          │          │ reminder to  │ failed 9 d ago         │
│                │          │          │ whoever has  │                        │
│                │          │          │ not paid.    │                        │
│ elsewhere      │ 3600s    │ interval │ Run on       │ 2100-01-01 00:00       │
│                │          │          │ workers of   │                        │
│                │          │          │ another      │                        │
│                │          │          │ queue.       │                        │
│ retired        │ 3600s    │ interval │ Do what      │ disabled               │
│                │          │          │ nobody needs │ missed: catchup window │
│                │          │          │ any more.    │ 40 d ago               │
└────────────────┴──────────┴──────────┴──────────────┴────────────────────────┘

Total: 4 task(s)
"""
    assert invoke("queue", "list").stdout == expected


@pytest.mark.usefixtures("run_twice")
def test_the_last_outcome_has_a_column_where_there_is_room(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    lines = invoke("queue", "list").stdout.splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[2:-3]]
    assert rows[0][-2:] == ["Next due (UTC)", "Last outcome"]
    assert [row[-1].split()[:1] for row in rows[2:]] == [["manual"], ["failed"], [], []]


@pytest.mark.usefixtures("run_twice")
def test_programs_read_all_that_is_known_of_the_last_outcome(
    invoke: Callable[..., Result],
) -> None:
    tasks = json.loads(invoke("queue", "list", "--json").stdout)
    last = [task["last"] for task in tasks]
    assert [record and record["outcome"] for record in last] == [
        *("manual", "manual", None, None)
    ]
    assert last[1]["error"] == "ConnectionError: the mail server does not answer"
    assert last[0]["job"].startswith("count_orders@")


@pytest.mark.usefixtures("run_twice")
def test_a_queue_that_is_named_has_its_own_tasks_only(
    invoke: Callable[..., Result], queue_name: str
) -> None:
    def names(*words: str) -> list[str]:
        answer = invoke("queue", "list", "--json", *words)
        return [task["name"] for task in json.loads(answer.stdout)]

    assert names("--queue", queue_name) == ["count_orders", "remind_debtors", "retired"]
    assert "elsewhere" in names("--queue", "other")


def test_a_server_that_does_not_answer_is_not_waited_for(run: Run, tasks: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        answer = run("queue", "list", "--redis", url)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "Last outcome" not in answer.stdout


def test_a_task_that_is_not_due_any_more_says_so(run: Run, write: Write) -> None:
    write("tasks.py", REPORTS)
    tasks = json.loads(run("queue", "list", "--json").stdout)
    assert tasks[0]["next_due"] == "2100-01-01T00:00:00Z"
    assert tasks[3]["next_due"] is None
    assert "disabled" in run("queue", "list").stdout


def test_the_default_zone_is_that_of_the_settings(run: Run, write: Write) -> None:
    write(
        "tasks.py",
        "from jtc.schedule import Schedule\n"
        "Schedule.cron('0 9 1 1 *', 'new_year')(print)\n",
    )
    (task,) = json.loads(
        run("queue", "list", "--json", JTC_TIMEZONE="Asia/Tokyo").stdout
    )
    assert task["timezone"] == "Asia/Tokyo"
    assert task["next_due"].endswith("-01-01T00:00:00Z")
