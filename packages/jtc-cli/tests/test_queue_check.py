from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jtc.jobs import known_jobs, set_container

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

GOOD = '''
from jtc.jobs import Job
from jtc.schedule import Schedule


class Mailer:
    def __init__(self):
        raise RuntimeError("nothing is made")


class Greet(Job):
    name: str

    async def handle(self, mailer: Mailer):
        raise RuntimeError("nothing runs")


@Schedule.every(60)
async def report(ctx, mailer: Mailer):
    """Mail the figures."""
'''
BAD = """

class Sender:
    def __init__(self, url: str): ...


class Send(Job):
    target: Sender

    def __init__(self, sender: Sender): ...

    async def handle(self): ...


@Schedule.every(60)
async def send(ctx, sender: Sender): ...
"""
OWN_CONTAINER = """
from jtc.jobs import set_container


class Own:
    def resolve(self, dep_type):
        raise RuntimeError("nothing is made")


set_container(Own())
"""


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know neither a container nor the jobs of other tests."""
    set_container(None)
    monkeypatch.setattr(known_jobs, "_classes", {})


def test_what_could_run_is_ok(run: Run, write: Write) -> None:
    write("tasks.py", GOOD)

    answer = run("queue", "check", REDIS_URL="redis://no.where:1")

    assert answer.stdout == "job tasks.Greet: OK\ntask report: OK\n"
    assert answer.stderr == "Checked 1 job(s) and 1 task(s): 0 problem(s).\n"
    assert answer.returncode == 0


def test_each_problem_is_a_line_and_fails_the_build(
    invoke: Invoke, write: Write
) -> None:
    write("tasks.py", GOOD + BAD)

    answer = invoke("queue", "check")

    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == "job tasks.Greet: OK"
    assert lines[1].startswith(
        "job tasks.Send: Send.target: its type cannot be carried"
    )
    assert lines[2].startswith("job tasks.Send: sender: ")
    assert "Sender of __init__: Sender → str: it is a value" in lines[2]
    assert lines[3] == "task report: OK"
    assert lines[4].startswith("task send: sender: ")
    assert answer.stderr == "Checked 2 job(s) and 2 task(s): 3 problem(s).\n"


def test_programs_read_the_problems(invoke: Invoke, write: Write) -> None:
    write("tasks.py", GOOD + BAD)

    answer = invoke("queue", "check", "--json")

    assert (answer.exit_code, answer.stderr) == (1, "")
    found = json.loads(answer.stdout)
    assert [(one["kind"], one["name"], len(one["problems"])) for one in found] == [
        ("job", "tasks.Greet", 0),
        ("job", "tasks.Send", 2),
        ("task", "report", 0),
        ("task", "send", 1),
    ]


OVERLAP = """

@Schedule.every(10, timeout=50)
async def poll(ctx): ...
"""


@pytest.mark.parametrize(
    ("words", "status"),
    [([], 1), (["--fail-on", "warning"], 1), (["--fail-on", "error"], 0)],
)
def test_what_schedules_can_hardly_mean_is_found_too(
    invoke: Invoke, write: Write, words: list[str], status: int
) -> None:
    write("tasks.py", GOOD + OVERLAP)

    answer = invoke("queue", "check", *words)

    assert answer.exit_code == status
    *_, ok, found = answer.stdout.splitlines()
    assert ok == "task report: OK"
    assert found.startswith("task poll: warning: An attempt may take 50 s, and ticks ")
    # It is not said a second time, as a warning of the import.
    assert answer.stderr == (
        "Checked 1 job(s) and 2 task(s): 0 problem(s); of their schedules 0 error(s), "
        "1 warning(s).\n"
    )


def test_programs_read_what_was_found_of_schedules(
    invoke: Invoke, write: Write
) -> None:
    write("tasks.py", GOOD + OVERLAP)

    found = json.loads(invoke("queue", "check", "--json").stdout)

    assert [one["findings"] for one in found[:2]] == [[], []]
    (finding,) = found[2]["findings"]
    assert (finding["task"], finding["kind"]) == ("poll", "overlap")


def test_a_declaration_that_is_none_ends_it_with_what_is_wrong_and_where(
    run: Run, write: Write
) -> None:
    path = write("tasks.py", GOOD + "\n\nclass Never(Job, tries=0):\n    x: int\n")

    answer = run("queue", "check")

    assert (answer.returncode, answer.stdout) == (1, "")
    *_, message = answer.stderr.splitlines()
    assert message == "class Never: tries=0; it has to be a whole number from 1."
    assert f'File "{path}", line ' in answer.stderr
    assert "class Never(Job, tries=0):" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stderr.count("File") == 1


def test_a_module_that_is_missing_fails_the_build(run: Run, write: Write) -> None:
    write("tasks.py", "import nowhere\n")

    answer = run("queue", "check")

    assert answer.returncode == 1
    assert "No module named 'nowhere'" in answer.stderr


def test_a_container_that_cannot_be_looked_into_is_told(
    invoke: Invoke, write: Write
) -> None:
    write("tasks.py", GOOD + OWN_CONTAINER)

    answer = invoke("queue", "check")

    assert answer.exit_code == 0
    assert answer.stderr.startswith(
        "Warning: The services of 2 of them were not checked: tasks.Own only shows"
    )


def test_where_nothing_is_found_it_says_where_it_looked(
    invoke: Invoke, project: Path
) -> None:
    answer = invoke("queue", "check")

    assert (answer.exit_code, answer.stdout) == (0, "")
    assert answer.stderr.startswith(
        "No jobs and no scheduled tasks found. Looked at:\n"
    )
