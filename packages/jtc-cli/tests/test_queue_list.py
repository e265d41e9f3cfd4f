from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jtc.cli

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]


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
        *("name", "schedule", "type", "description", "timezone", "next_due")
    }


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
