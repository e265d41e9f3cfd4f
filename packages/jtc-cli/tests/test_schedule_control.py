from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from jtc.cli.errors import NoServer, SchedulesNotFound, ServerRefused
from jtc.queue import (
    RedisQueue,
    ScheduleNotFound,
    Scheduler,
    Schedules,
    ScheduleStatus,
)
from jtc.schedule import ScheduleRegistry

Invoke = Callable[..., Result]
Run = Callable[..., subprocess.CompletedProcess[str]]
Write = Callable[..., Path]
Ask = Callable[[Callable[[RedisQueue], Any]], Any]
Plant = Callable[..., None]

HOUR = 3600
TASKS = '''
from jtc.schedule import Schedule


@Schedule.cron("0 9 * * MON-FRI", payload={"region": "eu"})
async def report(ctx, region):
    """Write the report."""
    print(ctx["tick"].nominal.isoformat(), region)


@Schedule.every(3600)
async def sync(ctx):
    """Load what changed."""


@Schedule.every(3600, queue="bulk")
async def imports(ctx):
    """Run on workers of another queue."""
'''


@pytest.fixture(autouse=True)
def _tasks(write: Write) -> None:
    write("tasks.py", TASKS.replace("bulk", f"bulk-{id(write)}"))


@pytest.fixture
def status(ask: Ask) -> Callable[[], dict[str, ScheduleStatus]]:
    """Look at the schedules of this test's queue; a command has imported the tasks."""

    def look() -> dict[str, ScheduleStatus]:
        found: Sequence[ScheduleStatus] = ask(lambda queue: Schedules(queue).list())
        return {one.name: one for one in found}

    return look


def at(text: str) -> dict[str, float]:
    """Return the facts of a tick that was due at this time, in UTC."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    return {"tick": moment, "at": moment}


# Pause and resume


def test_a_schedule_is_paused_with_a_note_and_an_end(
    invoke: Invoke, status: Callable[[], dict[str, ScheduleStatus]]
) -> None:
    words = ("pause", "report", "--until", "2100-02-01", "--note", "they move house")
    answer = invoke("schedule", *words, "--timezone", "Europe/Berlin")
    assert answer.stdout == ""
    assert answer.stderr == "Paused report until Mon 2100-02-01 00:00:00 CET.\n"
    paused = status()["report"].paused
    assert paused is not None
    assert paused.note == "they move house"
    assert f"{paused.until}" == "2100-01-31 23:00:00+00:00"


def test_schedules_are_paused_and_resumed_by_name(
    invoke: Invoke, status: Callable[[], dict[str, ScheduleStatus]]
) -> None:
    answer = invoke("schedule", "pause", "report", "sync", "report")
    assert answer.stderr == "Paused report.\nPaused sync.\n"
    answer = invoke("schedule", "resume", "sync")
    assert answer.stderr == "Resumed sync.\n"
    assert invoke("schedule", "resume", "sync").stderr == "sync was not paused.\n"
    assert [bool(status()[name].paused) for name in ("report", "sync")] == [True, False]


def test_all_schedules_are_paused_and_resumed_in_every_queue(
    invoke: Invoke, ask: Ask
) -> None:
    ask(lambda queue: Schedules(queue, []).add("tenant-7", every=60, job="shop.Greet"))
    answer = invoke("schedule", "pause", "--all", "--until", "2h")
    said = [line.partition(" until ")[0] for line in answer.stderr.splitlines()]
    assert said == ["Paused report", "Paused sync", "Paused tenant-7", "Paused imports"]
    answer = invoke("schedule", "resume", "--all")
    assert answer.stderr == (
        "Resumed report.\nResumed sync.\nResumed tenant-7.\nResumed imports.\n"
    )
    assert invoke("schedule", "resume", "--all").stderr == "Nothing was paused.\n"


def test_nothing_to_pause_is_said(invoke: Invoke, project: Path) -> None:
    (project / "tasks.py").unlink()
    assert invoke("schedule", "pause", "--all").stderr == "There are no schedules.\n"


def test_a_schedule_that_is_not_there_is_named_and_the_others_are_paused(
    run: Run, server_url: str, queue_name: str
) -> None:
    words = ("pause", "nix", "report", "syn", "--redis", server_url, "-q", queue_name)
    answer = run("schedule", *words)
    assert answer.returncode == 1
    first, second, third = answer.stderr.splitlines()
    assert first == "Paused report."
    assert second.startswith(f"Error: Queue '{queue_name}' has no schedule 'nix'.")
    assert third.startswith(f"Queue '{queue_name}' has no schedule 'syn'.")


def test_a_task_is_looked_for_in_the_queue_that_is_named(
    invoke: Invoke, queue_name: str
) -> None:
    assert invoke("schedule", "pause", "imports").stderr == "Paused imports.\n"
    with pytest.raises(SchedulesNotFound, match="It is scheduled in queue 'bulk-"):
        invoke("schedule", "resume", "imports", "--queue", queue_name)


# Trigger


def test_a_run_is_queued_for_a_worker(
    invoke: Invoke, run: Run, server_url: str, queue_name: str
) -> None:
    answer = invoke("schedule", "trigger", "report", "--payload", '{"region": "us"}')
    assert answer.stderr == f"Queued a run of report in queue '{queue_name}', as job\n"
    assert re.fullmatch(r"report@\S+\n", answer.stdout)
    # When a worker takes what waits
    invoke("schedule", "trigger", "report")
    work = ("queue", "work", "--burst", "--redis", server_url, "-q", queue_name)
    printed = run(*work).stdout.splitlines()
    # Then it ran with what was given, and with what the task says
    assert sorted(line.split()[1] for line in printed) == ["eu", "us"]
    found = json.loads(invoke("schedule", "history", "report", "--json").stdout)
    assert [(one["outcome"], one["error"]) for one in found] == [("manual", None)] * 2


def test_a_run_of_another_queue_goes_there(invoke: Invoke) -> None:
    assert "in queue 'bulk-" in invoke("schedule", "trigger", "imports").stderr


def test_what_is_not_there_cannot_be_triggered(invoke: Invoke) -> None:
    invoke("schedule", "pause", "sync")
    with pytest.raises(ScheduleNotFound, match="Did you mean 'report'"):
        invoke("schedule", "trigger", "repord")


def test_a_task_that_a_worker_has_named_is_suggested_once(
    invoke: Invoke, ask: Ask
) -> None:
    # Given a task that modules declare and the server has
    invoke("schedule", "pause", "sync")
    ask(lambda queue: Scheduler(queue, ScheduleRegistry.get_all()).sync())
    with pytest.raises(ScheduleNotFound) as caught:
        invoke("schedule", "trigger", "repord")
    assert str(caught.value).endswith(" Did you mean 'report'?")


# Backfill


def test_a_backfill_can_be_looked_at_first(
    invoke: Invoke, status: Callable[[], dict[str, ScheduleStatus]], ask: Ask
) -> None:
    words = ("backfill", "report", "--from", "2026-03-01", "--to", "2026-03-04")
    answer = invoke("schedule", *words, "--dry-run")
    assert answer.stdout == (
        "Mon 2026-03-02 09:00:00 UTC\nTue 2026-03-03 09:00:00 UTC\n"
    )
    assert answer.stderr == "2 tick(s) of report; nothing was queued.\n"
    assert ask(lambda queue: queue.count("queued")) == 0


def test_the_ticks_of_a_stretch_are_run_once_each(
    invoke: Invoke, run: Run, server_url: str, queue_name: str
) -> None:
    words = ("backfill", "report", "--from", "2026-03-02T10:00", "--to", "2026-03-05")
    answer = invoke("schedule", *words, "--timezone", "Europe/Berlin", "--json")
    ticks = [f"2026-03-0{day}T09:00:00Z" for day in (2, 3, 4)]
    assert json.loads(answer.stdout) == ticks
    assert answer.stderr == "Queued 3 tick(s) of report.\n"
    work = ("queue", "work", "--burst", "--redis", server_url, "-q", queue_name)
    printed = run(*work).stdout.split()
    assert printed[::2] == [tick.replace("Z", "+00:00") for tick in ticks]
    found = json.loads(invoke("schedule", "history", "report", "--json").stdout)
    assert [one["outcome"] for one in found] == ["caught_up"] * 3


def test_a_stretch_may_be_named_by_how_long_ago_it_was(invoke: Invoke) -> None:
    words = ("backfill", "sync", "--from", "5h", "--to", "2h", "--dry-run", "--json")
    assert len(json.loads(invoke("schedule", *words).stdout)) == 3


# History


def test_a_history_is_a_table_with_the_latest_first(
    invoke: Invoke, plant: Plant
) -> None:
    plant("sync", "ran", age=0, **at("2026-03-01T09:00"), late=0.003, duration=0.34)
    facts = {"late": 61.5, "duration": 4.25, "attempts": 3}
    error = "ConnectionError: the bank does not answer"
    plant("sync", "ran", age=0, **at("2026-03-01T10:00"), **facts, error=error)
    stretch = {"until": at("2026-03-01T13:00")["tick"], "count": 3}
    plant("sync", "missed:down", age=0, **at("2026-03-01T11:00"), **stretch)
    answer = invoke("schedule", "history", "sync", "--timezone", "Europe/Berlin")
    assert answer.stderr == ""
    expected = """\
sync (times in Europe/Berlin)
┌────────────────────────┬──────────────┬──────┬────────┬───────┐
│ Tick                   │ Outcome      │ Late │ Took   │ Tries │
├────────────────────────┼──────────────┼──────┼────────┼───────┤
│ 2026-03-01 12:00:00    │ missed: down │      │        │       │
│ to 2026-03-01 14:00:00 │ 3 ticks      │      │        │       │
│ 2026-03-01 11:00:00    │ failed       │ 61 s │ 4.2 s  │ 3     │
│ 2026-03-01 10:00:00    │ ran          │ 3 ms │ 340 ms │       │
└────────────────────────┴──────────────┴──────┴────────┴───────┘
2026-03-01 11:00:00  ConnectionError: the bank does not answer
"""
    assert answer.stdout == expected


def test_a_run_of_a_single_tick_is_one_line(invoke: Invoke, plant: Plant) -> None:
    plant("sync", "ran", age=0, **at("2026-03-01T09:00"), duration=1, attempts=1)
    expected = """\
sync (times in UTC)
┌─────────────────────┬─────────┬──────┬──────┬───────┐
│ Tick                │ Outcome │ Late │ Took │ Tries │
├─────────────────────┼─────────┼──────┼──────┼───────┤
│ 2026-03-01 09:00:00 │ ran     │      │ 1 s  │ 1     │
└─────────────────────┴─────────┴──────┴──────┴───────┘
"""
    assert invoke("schedule", "history", "sync").stdout == expected


def test_only_what_failed_is_shown_if_asked_for(invoke: Invoke, plant: Plant) -> None:
    for hour in range(6):
        error = {"error": f"ValueError: {hour}"} if hour % 2 else {}
        plant("sync", "ran", age=(6 - hour) * HOUR, **error)
    plant("sync", "skipped:when", age=0, error="ValueError: in the predicate")

    def errors(*words: str) -> list[str]:
        answer = invoke("schedule", "history", "sync", "--failed", "--json", *words)
        return [one["error"][-1] for one in json.loads(answer.stdout)]

    assert errors() == ["5", "3", "1"]
    assert errors("-n", "2") == ["5", "3"]
    everything = invoke("schedule", "history", "sync", "-n", "3", "--json").stdout
    assert len(json.loads(everything)) == 3


def test_an_empty_history_is_said(invoke: Invoke, plant: Plant) -> None:
    answer = invoke("schedule", "history", "sync")
    assert answer.stdout == "No tick of sync is on record.\n"
    plant("sync", "ran", age=0)
    answer = invoke("schedule", "history", "sync", "--failed")
    assert answer.stdout == "No failed run of sync is on record.\n"
    assert invoke("schedule", "history", "sync", "--failed", "--json").stdout == "[]\n"


# Errors


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause"], "give either the names of schedules or --all"),
        (["pause", "sync", "--all"], "give either the names of schedules or --all"),
        (["resume"], "give either the names of schedules or --all"),
        (["pause", "sync", "--until", "tomorrow"], "'--until': 'tomorrow' is no time"),
        (["pause", "sync", "--until", "2026-01-01"], "this time has passed"),
        (["backfill", "sync", "--from", "999999d", "--to", "1h"], "out of range"),
        (["trigger", "sync", "--payload", "{"], "this is no JSON"),
        (["trigger", "sync", "--payload", "[1]"], "give a JSON object"),
        (["backfill", "sync", "--from", "1h"], "Missing option '--to'"),
        (["backfill", "sync", "--from", "1h", "--to", "2h"], "is not after --from"),
        (["backfill", "sync", "--from", "x", "--to", "2h"], "'x' is no time"),
        (["history", "sync", "-n", "0"], "-n"),
    ],
)
def test_a_wrong_command_line_touches_nothing(
    invoke: Invoke, words: list[str], said: str
) -> None:
    answer = invoke("schedule", *words)
    assert answer.exit_code == 2
    assert said in " ".join(answer.stderr.split())


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "sync"],
        ["resume", "--all"],
        ["trigger", "sync"],
        ["backfill", "sync", "--from", "2h", "--to", "1h"],
        ["history", "sync"],
    ],
)
def test_no_server_is_said_without_the_password(
    invoke: Invoke, words: list[str]
) -> None:
    with pytest.raises(NoServer) as caught:
        invoke("schedule", *words, "--redis", "redis://me:secret@127.0.0.1:1")
    assert "redis://me:***@127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_turns_us_away_is_told_from_one_that_is_not_there(
    invoke: Invoke, server_url: str
) -> None:
    url = server_url.replace("://", "://me:secret@")
    with pytest.raises(ServerRefused, match="Check the user, the password"):
        invoke("schedule", "history", "sync", "--redis", url)


def test_a_module_that_fails_ends_the_command(run: Run, write: Write) -> None:
    write("tasks.py", "1 / 0")
    answer = run("schedule", "pause", "--all")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("Error: Cannot import tasks (")
    assert answer.stderr.count("Traceback") == 1
