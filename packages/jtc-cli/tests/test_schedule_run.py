from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]

TASKS = '''
import logging

from jtc.jobs import Job, Schedule


class Mailer:
    address = "mail.example"


class Greet(Job):
    name: str

    def __init__(self, mailer: Mailer):
        self.mailer = mailer

    async def handle(self):
        return f"{self.name} by {self.mailer.address}"


@Schedule.cron("0 9 * * *", payload={"region": "eu"})
async def count_orders(ctx, region):
    """Count the orders of yesterday."""
    logging.getLogger(__name__).info("counting")
    return {"region": region, "manual": ctx["tick"].manual}


@Schedule.every(3600)
def say_hello(ctx):
    print("hello")


@Schedule.every(3600)
async def fail(ctx):
    raise ValueError("no such order")


@Schedule.every(3600)
async def greet(ctx):
    handle = await Greet.dispatch(name="Ada")
    return type(handle).__name__, ctx["queue"].name


@Schedule.every(3600)
async def mail(ctx, mailer: Mailer):
    return f"mailed by {mailer.address}"


Schedule.job(Greet, payload={"name": "Ada"}, name="mail_ada").daily(at="02:00")
'''


@pytest.fixture(autouse=True)
def _tasks(write: Write) -> None:
    write("tasks.py", TASKS)


def test_a_task_runs_here_and_its_result_is_printed(run: Run) -> None:
    answer = run("schedule", "run", "count_orders", REDIS_URL="redis://no.where:1")
    assert answer.returncode == 0
    assert answer.stdout == "{'region': 'eu', 'manual': True}\n"
    *log, last = answer.stderr.splitlines()
    assert [line.partition(" ")[2] for line in log] == ["INFO tasks: counting"]
    assert last.startswith("Ran count_orders in ")


def test_a_program_reads_the_result_as_json(run: Run) -> None:
    answer = run("schedule", "run", "count_orders", "--json")
    assert json.loads(answer.stdout) == {"region": "eu", "manual": True}


def test_nothing_is_printed_for_a_task_that_returns_nothing(run: Run) -> None:
    answer = run("schedule", "run", "say_hello")
    assert answer.stdout == "hello\n"
    assert run("schedule", "run", "say_hello", "--json").stdout == "hello\nnull\n"


def test_a_task_that_runs_here_can_dispatch_jobs(run: Run, server_url: str) -> None:
    answer = run("schedule", "run", "greet", "--redis", server_url, "-q", "mail")
    assert answer.stdout == "('JobHandle', 'mail')\n"


def test_a_job_runs_here_with_what_it_needs(run: Run) -> None:
    answer = run("schedule", "run", "mail_ada")
    assert answer.stdout == "Ada by mail.example\n"


def test_a_task_is_given_its_services(run: Run) -> None:
    answer = run("schedule", "run", "mail")
    assert answer.stdout == "mailed by mail.example\n"


def test_a_task_that_fails_ends_the_command_with_the_users_traceback(run: Run) -> None:
    answer = run("schedule", "run", "fail")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("Error: Task 'fail' failed:\n\nTraceback")
    assert answer.stderr.endswith("ValueError: no such order\n")
    assert answer.stderr.count("File ") == 1


def test_a_task_that_is_not_there_is_told_with_those_that_are(run: Run) -> None:
    answer = run("schedule", "run", "greet_all")
    assert answer.returncode == 1
    first, second = answer.stderr.splitlines()
    assert first == "Error: Task 'greet_all' not found. Did you mean 'greet'?"
    assert second == (
        "This command knows only tasks that modules declare. For a schedule made at "
        "run time use jtc schedule trigger greet_all or jtc schedule next greet_all."
    )
