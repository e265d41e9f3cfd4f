from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

GOOD = '''
from jtc.schedule import Schedule


@Schedule.cron("0 9 * * MON-FRI", timezone="Europe/Berlin")
async def report(ctx):
    """Write the report."""
'''
WARNING = '''

@Schedule.cron("30 2 * * *", timezone="America/New_York")
async def back_up(ctx):
    """Copy the data."""
'''
ERROR = '''

@Schedule.every(60, name="often")
@Schedule.every(60, name="again")
async def sync(ctx):
    """Load what changed."""
'''


def test_tasks_without_a_finding_are_well(run: Run, write: Write) -> None:
    write("tasks.py", GOOD)
    answer = run("schedule", "check", REDIS_URL="redis://no.where:1")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert answer.stderr == "Checked 1 task(s): nothing was found.\n"


def test_findings_are_shown_and_fail_the_build(run: Run, write: Write) -> None:
    write("tasks.py", GOOD + WARNING + ERROR)
    answer = run("schedule", "check")
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    starts = [line.split(": ")[:2] for line in lines]
    assert ["error", "often"] in starts
    assert ["warning", "back_up"] in starts
    errors = sum(severity == "error" for severity, _ in starts)
    assert answer.stderr == (
        f"Checked 4 task(s): {errors} error(s), {len(lines) - errors} warning(s).\n"
    )


def test_programs_read_the_findings(invoke: Invoke, write: Write) -> None:
    write(
        "tasks.py", ERROR.replace("\n\n@", "from jtc.schedule import Schedule\n\n@", 1)
    )
    answer = invoke("schedule", "check", "--json")
    assert (answer.exit_code, answer.stderr) == (1, "")
    (finding,) = json.loads(answer.stdout)
    assert set(finding) == {"task", "kind", "severity", "message"}
    assert finding["kind"] == "duplicate"


@pytest.mark.parametrize(
    ("words", "tasks", "status"),
    [
        ([], GOOD + WARNING, 1),
        (["--fail-on", "warning"], GOOD + WARNING, 1),
        (["--fail-on", "error"], GOOD + WARNING, 0),
        (["--fail-on", "ERROR"], GOOD + ERROR, 1),
        (["--fail-on", "error", "--json"], GOOD + WARNING, 0),
    ],
)
def test_a_build_may_be_failed_by_errors_only(
    invoke: Invoke, write: Write, words: list[str], tasks: str, status: int
) -> None:
    write("tasks.py", tasks)
    answer = invoke("schedule", "check", *words)
    assert answer.exit_code == status
    assert answer.stdout


def test_no_task_says_where_it_looked(invoke: Invoke) -> None:
    answer = invoke("schedule", "check")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr.startswith("No scheduled tasks found. Looked at:\n")


def test_a_severity_that_is_none_is_a_usage_error(invoke: Invoke) -> None:
    answer = invoke("schedule", "check", "--fail-on", "anything")
    assert answer.exit_code == 2
