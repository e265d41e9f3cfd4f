from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from jtc.queue import RedisQueue, Schedules

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]
Ask = Callable[[Callable[[RedisQueue], Any]], Any]

NO_SERVER = "redis://127.0.0.1:1"
TASKS = '''
from datetime import UTC, date, datetime

from jtc.schedule import Schedule

later = datetime(2100, 1, 1, tzinfo=UTC)


@Schedule.cron(
    "30 9 * * *",
    timezone="Europe/Berlin",
    starts_at=later,
    exclude=date(2100, 1, 2),
    environments="production",
)
async def report(ctx):
    """Write the report."""


@Schedule.every(3600, starts_at=later, ends_at=datetime(2100, 1, 1, 2, tzinfo=UTC))
async def campaign(ctx):
    """Ends soon."""
'''


@pytest.fixture
def _tasks(write: Write) -> None:
    write("tasks.py", TASKS)


def without_days(text: str) -> str:
    """Return a text without what another day would change: the number of days."""
    return re.sub(r"in \d{5} d", "in 12345 d", text)


@pytest.mark.usefixtures("_tasks")
def test_the_next_times_of_a_task_need_no_server(run: Run) -> None:
    words = ("schedule", "next", "report", "-n", "3", "--redis", NO_SERVER)
    answer = run(*words, "--timezone", "Europe/Berlin", JTC_ENV="production")
    assert answer.stderr == ""
    expected = """\
  Fri 2100-01-01 09:30:00 CET  in 12345 d
  Sun 2100-01-03 09:30:00 CET  in 12345 d
  Mon 2100-01-04 09:30:00 CET  in 12345 d
"""
    assert without_days(answer.stdout) == expected


@pytest.mark.usefixtures("_tasks")
def test_a_task_that_ends_has_no_more_times(invoke: Invoke) -> None:
    answer = invoke("schedule", "next", "campaign")
    expected = """\
  Fri 2100-01-01 00:00:00 UTC  in 12345 d
  Fri 2100-01-01 01:00:00 UTC  in 12345 d
  Fri 2100-01-01 02:00:00 UTC  in 12345 d
campaign has no more ticks.
"""
    assert without_days(answer.stdout) == expected


@pytest.mark.usefixtures("_tasks")
def test_a_task_of_another_environment_has_no_times(invoke: Invoke) -> None:
    answer = invoke("schedule", "next", "report")
    assert answer.stdout == (
        "report has no more ticks that run: the next 10000 are skipped by "
        "environments (production; JTC_ENV is not set).\n"
    )


def test_a_task_that_is_not_enabled_is_said_to_be_so(
    invoke: Invoke, write: Write, ask: Ask
) -> None:
    write(
        "tasks.py",
        "from jtc.schedule import Schedule\n"
        "@Schedule.every(60, enabled=False)\n"
        "def retired(ctx): pass\n",
    )
    made: dict[str, Any] = {"every": 60, "job": "shop.jobs.Greet", "enabled": False}
    ask(lambda queue: Schedules(queue, []).add("tenant-7", **made))
    for name in ("retired", "tenant-7"):
        answer = invoke("schedule", "next", name)
        assert answer.stdout == f"{name} is not enabled: it has no ticks.\n"


def test_runs_that_are_used_up_are_told_with_their_number(
    invoke: Invoke, run: Run, write: Write, ask: Ask
) -> None:
    # Given
    write(
        "tasks.py",
        "from datetime import UTC, datetime\n"
        "from jtc.schedule import Schedule\n"
        "later = datetime(2100, 1, 1, tzinfo=UTC)\n"
        "@Schedule.cron('@daily', starts_at=later, max_runs=2)\n"
        "def twice(ctx): pass\n",
    )
    expected = """\
  Fri 2100-01-01 00:00:00 UTC  in 12345 d
  Sat 2100-01-02 00:00:00 UTC  in 12345 d
twice has no more ticks: max_runs=2 will then be used up.
"""
    # Then it is known with a server and without one
    assert without_days(invoke("schedule", "next", "twice").stdout) == expected
    alone = run("schedule", "next", "twice", "--redis", NO_SERVER)
    assert (without_days(alone.stdout), alone.stderr) == (expected, "")

    # And when workers have run it so often
    async def use_up(queue: RedisQueue) -> None:
        counted: Any = queue.redis.hset(queue.keys.runs, "twice", "2")
        await counted

    ask(use_up)
    answer = invoke("schedule", "next", "twice")
    assert answer.stdout == "twice has no more ticks: max_runs=2 is used up.\n"


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("between=('22:00', '23:00')", "between"),
        ("days='weekends'", "days"),
        ("exclude=lambda tick: True", "exclude"),
    ],
)
def test_a_condition_that_skips_every_tick_is_named(
    invoke: Invoke, write: Write, condition: str, word: str
) -> None:
    write(
        "tasks.py",
        "from datetime import UTC, datetime\n"
        "from jtc.schedule import Schedule\n"
        "start, end = (datetime(2100, 1, 1, hour, tzinfo=UTC) for hour in (1, 9))\n"
        f"@Schedule.cron('@hourly', starts_at=start, ends_at=end, {condition})\n"
        "def never(ctx): pass\n",
    )
    answer = invoke("schedule", "next", "never")
    assert answer.stdout == (
        f"never has no more ticks that run: the others are skipped by {word}.\n"
    )


@pytest.mark.usefixtures("_tasks")
def test_programs_read_the_next_times(invoke: Invoke) -> None:
    answer = invoke("schedule", "next", "campaign", "-n", "1", "--json")
    assert json.loads(answer.stdout) == {
        "name": "campaign",
        "next": ["2100-01-01T00:00:00Z"],
    }


def test_a_schedule_made_at_run_time_is_known_by_the_server(
    invoke: Invoke, ask: Ask
) -> None:
    later = datetime(2100, 1, 1, tzinfo=UTC)
    made: dict[str, Any] = {
        "cron": "0 9 * * *",
        "job": "shop.jobs.Greet",
        "starts_at": later,
    }
    ask(lambda queue: Schedules(queue, []).add("tenant-7", **made))
    answer = invoke("schedule", "next", "tenant-7", "--count", "2", "--json")
    times = json.loads(answer.stdout)["next"]
    assert times == ["2100-01-01T09:00:00Z", "2100-01-02T09:00:00Z"]


@pytest.mark.usefixtures("_tasks")
def test_a_task_that_is_not_there_is_told_with_what_to_do(
    run: Run, server_url: str
) -> None:
    answer = run("schedule", "next", "repord", "--redis", server_url)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: Queue 'default' has no schedule 'repord'. ")
    answer = run("schedule", "next", "repord", "--redis", NO_SERVER)
    assert answer.returncode == 1
    first, second, third = answer.stderr.splitlines()
    assert first == (
        "Error: No module declares a task 'repord'; they declare report, campaign."
    )
    assert second.startswith(f"Cannot use a Redis server at {NO_SERVER}: ")
    assert third.startswith("If it was made at run time, name its server: --redis URL")


# Explain


@pytest.mark.parametrize(
    ("expression", "meaning"),
    [
        (
            "*/5 9-17 * * MON-FRI",
            "Every fifth minute from 09:00 through 17:59 on Monday through Friday",
        ),
        ("@daily", "At 00:00 every day"),
        ("*/10 * * * * *", "Every 10th second of every minute"),
        (" 90 ", "Every 90 seconds"),
        ("3600", "Every hour"),
    ],
)
def test_an_expression_is_told_in_words_with_its_next_five_times(
    invoke: Invoke, expression: str, meaning: str
) -> None:
    first, *lines = invoke("schedule", "explain", expression).stdout.splitlines()
    assert first == meaning
    assert len(lines) == 5
    for line in lines:
        assert re.fullmatch(
            r"  [A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC +(now|in \d+ \w+)",
            line,
        )


def test_an_expression_is_read_and_shown_in_the_zone_that_is_asked_for(
    invoke: Invoke,
) -> None:
    words = ("explain", "0 9 1 7 *", "--timezone", "America/New_York")
    lines = invoke("schedule", *words).stdout.splitlines()
    assert all(" 09:00:00 EDT  in " in line for line in lines[1:])
    found = json.loads(invoke("schedule", *words, "--json").stdout)
    assert all(time.endswith("-07-01T13:00:00Z") for time in found.pop("next"))
    assert found == {
        "schedule": "0 9 1 7 *",
        "timezone": "America/New_York",
        "meaning": "At 09:00 on July 1",
    }


def test_an_interval_has_no_zone_but_its_times_have(invoke: Invoke) -> None:
    words = ("schedule", "explain", "86400", "--timezone", "Asia/Tokyo")
    lines = invoke(*words).stdout.splitlines()
    assert all(" 09:00:00 JST  in " in line for line in lines[1:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["61 * * * *"], "minute '61' is not allowed; give 0-59"),
        (["0 0 30 2 *"], "can never fire"),
        (["0"], "Interval 0: is shorter than one second"),
        (["every day"], "Cron expression 'every day'"),
        (["@daily", "--timezone", "Mars"], "Time zone 'Mars': unknown"),
        ([], "Missing argument"),
    ],
)
def test_what_is_no_schedule_is_a_usage_error(
    invoke: Invoke, words: list[str], said: str
) -> None:
    answer = invoke("schedule", "explain", *words)
    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())
