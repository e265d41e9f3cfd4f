from __future__ import annotations

import asyncio
import io
import itertools
import json
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from rich.console import Console
from typer.testing import Result

from jtc.cli.commands import queue_clearing, queue_stats
from jtc.cli.errors import JobsNotFound, NoServer, NotConfirmed, SeveralQueues
from jtc.cli.stats_view import render_stats
from jtc.queue import (
    QueueControl,
    QueueMonitor,
    QueueNames,
    QueueStats,
    RedisQueue,
    Worker,
)
from jtc.queue.claims import Claims
from jtc.queue.tally import Ended

Call = Callable[..., Result]
Ask = Callable[[Callable[[RedisQueue], Awaitable[Any]]], Any]
Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

DEADLINE = 60.0


async def echo(ctx: dict[str, Any], **kwargs: Any) -> Any:
    return kwargs


async def error(ctx: dict[str, Any]) -> None:
    raise ValueError("no luck")


@pytest.fixture
def call(invoke: Call) -> Call:
    """Run `jtc queue ...` in this process, on the queue of this test."""
    return lambda *words: invoke("queue", *words)


@pytest.fixture
def enqueue(ask: Ask) -> Callable[..., None]:
    """Enqueue a job for each key."""

    def put(*keys: str, **fields: Any) -> None:
        async def add(queue: RedisQueue) -> None:
            for key in keys:
                await queue.enqueue("echo", key=key, **fields)

        ask(add)

    return put


@pytest.fixture
def work(ask: Ask) -> Callable[[], None]:
    """Run what waits."""
    return lambda: ask(
        lambda queue: Worker(queue, [echo, error], id="w1", burst=True).start()
    )


def flat(text: str) -> str:
    return " ".join(text.split())


# -- stats -----------------------------------------------------------------------------


def test_stats_show_how_a_queue_stands(
    call: Call,
    ask: Ask,
    enqueue: Callable[..., None],
    work: Callable[[], None],
    queue_name: str,
) -> None:
    enqueue("one", "two")
    work()
    enqueue("three", "four")
    enqueue("later", scheduled=4_000_000_000)
    lines = call("stats", "-q", queue_name).stdout.splitlines()
    assert lines[0].startswith("Queues (at 20")
    assert max(map(len, lines)) <= 80
    row = [cell.strip() for cell in lines[5].split("│")[1:-1]]
    assert row[1:5] == ["2", "1", "0", "0"]
    assert row[5].endswith("done")
    assert lines[-1] == f"Nobody works on {queue_name}."
    (stats,) = json.loads(call("stats", "--json", "-q", queue_name).stdout)
    assert stats["name"] == queue_name
    assert (stats["queued"], stats["delayed"], stats["workers"]) == (2, 1, 0)
    assert stats["ended"]["complete"] == 2
    assert stats["completed_per_minute"] > 0
    assert stats["oldest"] >= 0
    assert stats["paused"] is None


def test_without_a_name_all_queues_are_shown_that_are_known(
    call: Call, ask: Ask, queue_name: str
) -> None:
    other = f"{queue_name}-other"
    ask(lambda queue: QueueNames(queue.redis).add(other))
    names = [stats["name"] for stats in json.loads(call("stats", "--json").stdout)]
    # The one of the settings comes first, although nobody has worked on it.
    assert names[0] == queue_name
    assert other in names
    both = json.loads(call("stats", "--json", "-q", f"{other},{queue_name}").stdout)
    assert [stats["name"] for stats in both] == [other, queue_name]


def test_a_pause_is_shown_with_its_end(call: Call, ask: Ask, queue_name: str) -> None:
    assert call("pause", "--for", "1h", "--note", "the bank is down").exit_code == 0
    last = call("stats", "-q", queue_name).stdout.splitlines()[-1]
    assert last.startswith(f"Paused: {queue_name}, since ")
    assert ", until " in last
    assert last.endswith(": the bank is down")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_watching_goes_on_until_an_interrupt(
    start: Start, server_url: str, queue_name: str, words: list[str]
) -> None:
    process = start(
        "queue", "stats", "--watch", "-q", queue_name, *words, REDIS_URL=server_url
    )
    assert process.stdout is not None
    # When it has been shown twice
    seen = 0
    while seen < 2:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        seen += queue_name[:12] in line
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, err) == (0, "")


def test_a_screen_is_shown_anew(
    invoke: Call, ask: Ask, monkeypatch: pytest.MonkeyPatch, queue_name: str
) -> None:
    # Given a terminal, as rich sees it
    shown: list[Any] = []

    class Screen:
        def __init__(self, **options: Any) -> None:
            assert options["screen"] is True

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, view: Any, *, refresh: bool) -> None:
            shown.append(view)
            if len(shown) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(queue_stats, "Live", Screen)
    monkeypatch.setattr(queue_stats, "EVERY", 0.01)
    monkeypatch.setattr(queue_stats, "is_terminal", lambda: True)
    # When
    answer = invoke("queue", "stats", "--watch", "-q", queue_name)
    # Then
    assert answer.exit_code == 0
    table, *lines = shown[1].renderables
    cells = map(str, table.renderables[1].columns[0].cells)
    assert queue_name in "".join(cells).replace("\n", "")
    assert str(lines[-1]) == "Ctrl+C ends this."


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_a_screen_of_any_width_shows_whole_numbers(width: int) -> None:
    stats = QueueStats(
        name="payments-of-customers",
        at=datetime(2026, 3, 1, tzinfo=UTC),
        queued=1234567,
        delayed=7654321,
        running=1000,
        failed=10000,
        workers=100,
        oldest=90000.0,
        seconds=300.0,
        ended=Ended(complete=10, failed=1),
        paused=None,
    )
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(render_stats([stats], width=width))
    for number in ("1234567", "7654321", "1000", "10000", "100"):
        assert re.search(rf"\b{number}\b", capture.get())
    assert "…" not in capture.get()


def test_a_screen_outlives_an_outage(
    invoke: Call, monkeypatch: pytest.MonkeyPatch, queue_name: str
) -> None:
    # Given a server that is away when it is asked for the second time
    shown: list[str] = []
    asked = itertools.count(1)
    read = queue_stats._read

    async def read_or_fail(queues: Sequence[RedisQueue]) -> Sequence[QueueStats]:
        if next(asked) == 2:
            raise RedisConnectionError("Connection refused.")
        return await read(queues)

    class Screen:
        def __init__(self, **options: Any) -> None:
            self.console = Console(file=io.StringIO(), width=80)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, view: Any, *, refresh: bool) -> None:
            with self.console.capture() as capture:
                self.console.print(view)
            shown.append(capture.get())
            if len(shown) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(queue_stats, "_read", read_or_fail)
    monkeypatch.setattr(queue_stats, "Live", Screen)
    monkeypatch.setattr(queue_stats, "EVERY", 0.01)
    monkeypatch.setattr(queue_stats, "is_terminal", lambda: True)
    # When
    assert invoke("queue", "stats", "--watch", "-q", queue_name).exit_code == 0
    # Then what was seen last stays, and it goes on
    trouble = "The server does not answer: Connection refused. Trying again."
    assert [trouble in screen for screen in shown] == [False, True, False]
    assert all("Queues (at" in screen for screen in shown)


# -- workers ---------------------------------------------------------------------------


def test_workers_are_shown_with_what_they_have_in_hand(
    call: Call, ask: Ask, enqueue: Callable[..., None], queue_name: str
) -> None:
    assert call("workers").stdout == f"No workers at queue '{queue_name}'.\n"
    enqueue("one")

    async def claim(queue: RedisQueue) -> None:
        await Worker(queue, [], id="w1")._stations[0]._reporting.report()
        await Claims(queue, "w1").take(1)

    ask(claim)
    lines = call("workers").stdout.splitlines()
    assert lines[0] == "w1"
    assert "last seen" in lines[1]
    assert lines[2].startswith("    pid ")
    assert lines[3] == f"    queues {queue_name}: 0 of 10 slots taken"
    assert lines[4] == "    runs one  echo"
    assert lines[-1] == f"Total: 1 live worker(s) at queue '{queue_name}'"
    (worker,) = json.loads(call("workers", "--json").stdout)
    assert (worker["id"], worker["queue"], worker["state"]) == (
        "w1",
        queue_name,
        "working",
    )
    assert worker["jobs"] == [{"id": "one", "name": "echo", "started": None}]


# -- one job ---------------------------------------------------------------------------


def test_a_job_is_shown_with_its_error(
    call: Call, ask: Ask, work: Callable[[], None], queue_name: str
) -> None:
    ask(lambda queue: queue.enqueue("error", key="bad", retries=2))
    work()
    text = call("show", "bad").stdout
    for fact in ("Job bad", f"Queue {queue_name}", "State failed", "Attempts 2 of 2"):
        assert fact in flat(text)
    assert text.splitlines()[-1] == "ValueError: no luck"
    job = json.loads(call("show", "bad", "--json").stdout)
    assert (job["state"], job["exception"], job["worker"]) == (
        "failed",
        "ValueError",
        "w1",
    )
    assert job["failed_at"].endswith("Z")


def test_a_job_is_found_in_each_queue_that_is_named(
    call: Call, enqueue: Callable[..., None], work: Callable[[], None], queue_name: str
) -> None:
    enqueue("good", a={"deep": 1})
    work()
    answer = call("show", "good", "-q", f"{queue_name}-other,{queue_name}")
    assert f"Queue {queue_name} " in flat(answer.stdout)
    assert '"deep": 1' in answer.stdout
    with pytest.raises(JobsNotFound, match="good: is not there") as caught:
        call("show", "good", "-q", f"{queue_name}-other")
    assert f"{queue_name}-other" in str(caught.value)


def test_jobs_are_canceled_and_what_was_not_is_named(
    call: Call, ask: Ask, enqueue: Callable[..., None], queue_name: str
) -> None:
    # Given one that runs and two that wait
    enqueue("runs")
    ask(lambda queue: Claims(queue, "w1").take(1))
    enqueue("waits", "too")
    # When
    answer = call("cancel", "runs", "waits", f"saq:job:{queue_name}:too")
    # Then
    assert answer.stderr.splitlines() == [
        "Asked the worker of runs to stop it.",
        "Canceled waits.",
        f"Canceled saq:job:{queue_name}:too.",
    ]
    assert ask(lambda queue: QueueMonitor(queue).job("waits")).state == "aborted"
    with pytest.raises(JobsNotFound, match="waits: has ended or was never there"):
        call("cancel", "waits")


def test_what_was_canceled_is_told_to_programs(
    call: Call, enqueue: Callable[..., None]
) -> None:
    enqueue("waits")
    assert json.loads(call("cancel", "waits", "--json").stdout) == {"waits": "canceled"}


# -- clear -----------------------------------------------------------------------------


def test_a_queue_is_cleared_when_that_was_said(
    call: Call, ask: Ask, enqueue: Callable[..., None], queue_name: str
) -> None:
    enqueue("one", "two")
    enqueue("later", scheduled=4_000_000_000)
    with pytest.raises(NotConfirmed, match="This cancels 3 job"):
        call("clear", queue_name)
    assert ask(lambda queue: queue.count("queued")) == 2
    answer = call("clear", queue_name, "--yes", "--json")
    assert json.loads(answer.stdout) == {"queue": queue_name, "canceled": 3}
    assert answer.stderr.startswith("Canceled 3 job(s) of queue")
    assert ask(lambda queue: queue.count("incomplete")) == 0


@pytest.mark.parametrize(("said", "left"), [(True, 0), (False, 1)])
def test_somebody_at_a_terminal_is_asked(
    call: Call,
    ask: Ask,
    enqueue: Callable[..., None],
    queue_name: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    said: bool,
    left: int,
) -> None:
    enqueue("one")
    monkeypatch.setattr(queue_clearing, "is_asked_at_a_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, err: said)
    if said:
        call("clear", queue_name)
    else:
        with pytest.raises(NotConfirmed):
            call("clear", queue_name)
    assert ask(lambda queue: queue.count("queued")) == left


# -- pause, resume, restart ------------------------------------------------------------


def test_a_queue_is_paused_and_resumed(call: Call, ask: Ask, queue_name: str) -> None:
    answer = call("pause", queue_name, "--json")
    assert answer.stderr == f"Paused queue '{queue_name}'.\n"
    said = json.loads(answer.stdout)
    assert (said["queue"], said["paused"]["until"]) == (queue_name, None)
    assert ask(lambda queue: QueueMonitor(queue).stats()).paused is not None
    assert call("resume").stderr == f"Resumed queue '{queue_name}'.\n"
    again = call("resume", queue_name, "--json")
    assert again.stderr == f"Queue '{queue_name}' was not paused.\n"
    assert json.loads(again.stdout)["was_paused"] is False


def test_restarting_names_who_is_meant(call: Call, ask: Ask, queue_name: str) -> None:
    nobody = call("restart")
    assert "Warning: Nobody works on it." in nobody.stderr

    async def appear(queue: RedisQueue) -> None:
        await Claims(queue, "w1").renew()

    ask(appear)
    answer = call("restart", queue_name, "--json")
    assert answer.stderr.splitlines() == [
        f"Asked 1 worker(s) of queue '{queue_name}' to end and be started again.",
        "  w1",
    ]
    assert json.loads(answer.stdout) == {"queue": queue_name, "workers": ["w1"]}


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("tasks")
def test_a_worker_that_is_to_be_restarted_says_so_with_its_status(
    start: Start, call: Call, ask: Ask, server_url: str, queue_name: str
) -> None:
    # Given
    worker = start("queue", "work", REDIS_URL=server_url, QUEUE_NAME=queue_name)
    wait_for(lambda: ask(lambda queue: QueueMonitor(queue).health()).is_healthy)
    assert call("health", "--here").exit_code == 0
    # When
    ask(lambda queue: QueueControl(queue).restart())
    # Then
    _, err = worker.communicate(timeout=DEADLINE)
    assert worker.returncode == 75
    assert err.splitlines()[-1] == "Stopped, to be started again."
    assert call("health").exit_code == 1


@pytest.mark.slow
@pytest.mark.usefixtures("tasks")
def test_worker_processes_are_replaced_when_they_are_to_be_restarted(
    start: Start, ask: Ask, server_url: str, queue_name: str
) -> None:
    words = ("queue", "work", "--processes", "1")
    supervisor = start(*words, REDIS_URL=server_url, QUEUE_NAME=queue_name)

    def pids() -> set[int | None]:
        workers = ask(lambda queue: QueueMonitor(queue).workers())
        return {worker.pid for worker in workers if worker.pid}

    wait_for(pids)
    before = pids()
    ask(lambda queue: QueueControl(queue).restart())
    wait_for(lambda: pids() - before)
    supervisor.send_signal(signal.SIGTERM)
    _, err = supervisor.communicate(timeout=DEADLINE)
    assert supervisor.returncode == 0
    assert "has ended by itself and is replaced" in err


# -- health ----------------------------------------------------------------------------


def test_health_is_one_line_and_a_status(
    call: Call, ask: Ask, queue_name: str, server_url: str
) -> None:
    answer = call("health")
    assert (answer.exit_code, answer.stdout) == (
        1,
        f"Unhealthy: queue '{queue_name}' has no live worker.\n",
    )
    ask(lambda queue: Claims(queue, "w1").renew())
    answer = call("health")
    assert (answer.exit_code, answer.stdout) == (
        0,
        f"Healthy: queue '{queue_name}' has 1 live worker(s).\n",
    )
    assert call("health", "--worker", "w1").exit_code == 0
    assert call("health", "--worker", "w2").exit_code == 1
    said = json.loads(call("health", "--json").stdout)
    assert (said["is_healthy"], said["workers"]) == (True, ["w1"])
    # And each of several queues has to be worked on
    both = call("health", "-q", f"{queue_name},{queue_name}-other")
    assert both.exit_code == 1
    assert f"{queue_name}-other" in both.stdout


def test_no_server_is_unhealthy_and_its_password_is_not_told(call: Call) -> None:
    answer = call("health", "--redis", "redis://me:secret@127.0.0.1:1")
    assert answer.exit_code == 1
    assert answer.stdout.startswith(
        "Unhealthy: no server at redis://me:***@127.0.0.1:1"
    )
    assert not answer.stdout.endswith("..\n")
    assert "secret" not in answer.stdout


def test_a_server_that_does_not_answer_is_unhealthy(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*words: Any, **options: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("jtc.cli.commands.queue_health.PATIENCE", 0.05)
    monkeypatch.setattr("jtc.cli.commands.queue_health.read_health", hang)
    answer = call("health")
    assert answer.exit_code == 1
    assert answer.stdout.endswith("no answer within 0.05 s.\n")


# -- the command line ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause", "--for", "soon"], "is no duration"),
        (["pause", "--for", "0"], "give more than 0"),
        (["show"], "Missing argument"),
        (["cancel"], "Missing argument"),
        (["clear"], "Missing argument"),
        (["health", "--here", "--worker", "x"], "either --worker or --here"),
    ],
)
def test_a_wrong_command_line_touches_nothing(
    call: Call, words: list[str], said: str
) -> None:
    answer = call(*words)
    assert answer.exit_code == 2
    assert said in flat(answer.stderr)


@pytest.mark.parametrize(
    "words",
    [
        *(["stats"], ["stats", "--watch"], ["workers"], ["show", "x"], ["cancel", "x"]),
        *(["clear", "x"], ["pause"], ["resume"], ["restart"]),
    ],
)
def test_no_server_is_said_without_the_password(call: Call, words: list[str]) -> None:
    with pytest.raises(NoServer) as caught:
        call(*words, "--redis", "redis://me:secret@127.0.0.1:1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("word", ["pause", "resume", "restart"])
def test_what_is_done_to_a_queue_is_done_to_one(call: Call, word: str) -> None:
    with pytest.raises(SeveralQueues, match="high, low"):
        call(word, "high,low")
