from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jtc.cli import worker_process
from jtc.cli.discovery import discover
from jtc.cli.worker_options import ProcessOrder, WorkerOptions
from jtc.jobs import JobManager, known_jobs

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Write = Callable[[str, str], Path]
Dispatch = Callable[..., None]
Noted = Callable[[int], list[str]]

DEADLINE = 60.0

TASKS = """
import asyncio
import os

from jtc.jobs import Job, JobManager


async def note(word):
    await JobManager.get_redis().rpush("notes", f"{word} {os.getpid()}")


class Wait(Job):
    async def handle(self):
        await note("begun")
        try:
            while not await JobManager.get_redis().exists("go"):
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            await note("canceled")
            raise
        await note("ended")
"""


@pytest.fixture
def client(server_url: str) -> Iterator[redis.Redis]:
    """The suite's server, emptied."""
    with redis.Redis.from_url(server_url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def noted(client: redis.Redis) -> Noted:
    """Wait until jobs have noted so many things; return all notes."""

    def wait(count: int) -> list[str]:
        deadline = time.monotonic() + DEADLINE
        read: Any = client.lrange
        while len(notes := list[str](read("notes", 0, -1))) < count:
            assert time.monotonic() < deadline, notes
            time.sleep(0.02)
        return notes

    return wait


@pytest.fixture
def dispatch(server_url: str, write: Write) -> Dispatch:
    """Dispatch jobs that run until there is a key `go`."""
    write("tasks.py", TASKS)
    discover()

    def dispatch_some(count: int = 1) -> None:
        async def dispatch_all() -> None:
            JobManager.initialize(server_url, "default")
            try:
                await known_jobs.get_all()["tasks.Wait"].dispatch_many([{}] * count)
            finally:
                await JobManager.close()

        asyncio.run(dispatch_all())

    return dispatch_some


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end_of(workers: subprocess.Popen[str]) -> str:
    """Wait until all have ended, and well; return what they said."""
    _, err = workers.communicate(timeout=DEADLINE)
    assert workers.returncode == 0, err
    return err


def pids(notes: list[str], word: str) -> list[int]:
    return [int(note.split()[1]) for note in notes if note.startswith(f"{word} ")]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.fault("H18")
def test_a_signal_to_the_whole_group_counts_once(
    *,
    start: Start,
    server_url: str,
    dispatch: Dispatch,
    noted: Noted,
    client: redis.Redis,
    signum: signal.Signals,
) -> None:
    # Given two processes with a job each
    workers = start("queue", "work", "-p", "2", "-c", "1", "--redis", server_url)
    dispatch(2)
    first, second = pids(noted(2), "begun")
    assert len({first, second, workers.pid}) == 3
    # When Ctrl+C or systemd tells all of them to stop
    os.killpg(workers.pid, signum)
    time.sleep(0.5)
    client.set("go", 1)
    # Then the jobs end nevertheless
    err = end_of(workers)
    assert sorted(pids(noted(4), "ended")) == sorted([first, second])
    assert err.splitlines()[-1] == "Stopped."
    # and every line says whose it is
    assert err.count("jtc worker\n") == 1
    assert "Concurrency  1 in each of 2 processes" in err
    assert re.search(r" \[1\] INFO jtc\.queue\.draining: Stopping: 1 running", err)
    assert re.search(r" \[2\] INFO jtc\.queue\.draining: Stopping: 1 running", err)


def test_a_second_signal_stops_the_running_jobs(
    start: Start,
    server_url: str,
    dispatch: Dispatch,
    noted: Noted,
    client: redis.Redis,
) -> None:
    workers = start("queue", "work", "-p", "2", "-c", "1", "--redis", server_url)
    dispatch(2)
    noted(2)
    workers.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert workers.poll() is None
    workers.send_signal(signal.SIGTERM)
    end_of(workers)
    assert len(pids(noted(4), "canceled")) == 2
    assert client.llen("saq:default:queued") == 2


@pytest.mark.fault("H18")
def test_a_process_that_is_killed_is_replaced(
    start: Start,
    server_url: str,
    dispatch: Dispatch,
    noted: Noted,
    client: redis.Redis,
) -> None:
    client.set("go", 1)
    workers = start("queue", "work", "-p", "1", "--redis", server_url)
    dispatch()
    (first,) = pids(noted(2), "begun")
    os.kill(first, signal.SIGKILL)
    # Then what comes next is done by another
    dispatch()
    _, second = pids(noted(4), "begun")
    assert second != first
    workers.send_signal(signal.SIGTERM)
    err = end_of(workers)
    assert f"process 1 (pid {first}) is gone: it was killed by SIGKILL" in err


def test_the_workers_end_well_when_nobody_looks_after_them(
    start: Start,
    server_url: str,
    dispatch: Dispatch,
    noted: Noted,
    client: redis.Redis,
) -> None:
    # Given two processes with a job each
    workers = start("queue", "work", "-p", "2", "-c", "1", "--redis", server_url)
    dispatch(2)
    children = pids(noted(2), "begun")
    # When the one that started them is killed
    workers.kill()
    time.sleep(0.5)
    client.set("go", 1)
    # Then they let their jobs end, and go
    assert sorted(pids(noted(4), "ended")) == sorted(children)
    deadline = time.monotonic() + DEADLINE
    while any(is_alive(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_wrong_is_said_once_and_ends_all(run: Run, write: Write) -> None:
    write("tasks.py", "")
    answer = run("queue", "work", "-p", "3", "--redis", "redis://localhost:1")
    assert answer.returncode == 1
    assert answer.stderr.count("Cannot use a Redis server") == 1
    assert "[1] Error: " in answer.stderr
    assert "Traceback" not in answer.stderr


def test_workers_that_reach_a_limit_are_replaced_until_the_burst_is_over(
    run: Run, server_url: str, dispatch: Dispatch, noted: Noted, client: redis.Redis
) -> None:
    client.set("go", 1)
    dispatch(7)
    words = ("queue", "work", "-p", "2", "--burst", "--max-jobs", "3")
    answer = run(*words, "--redis", server_url)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.splitlines()[-1] == "Stopped."
    # Each job was run once, and no process has run more than it should
    runs = pids(noted(14), "ended")
    assert len(runs) == 7
    assert max(runs.count(pid) for pid in runs) <= 3
    assert client.llen("saq:default:queued") == 0
    assert "has ended by itself and is replaced" in answer.stderr


@pytest.mark.usefixtures("tasks")
def test_processes_share_an_embedded_server_and_its_queues(
    run: Run, project: Path
) -> None:
    answer = run("queue", "work", "--embedded", "-p", "2", "-q", "a,b", "--burst")
    assert answer.returncode == 0, answer.stderr
    assert "Queues       a, b, in this order" in answer.stderr
    assert "Server       Valkey " in answer.stderr
    assert (project / ".jtc").is_dir()


def test_the_process_that_looks_after_the_others_is_small(
    start: Start,
    server_url: str,
    dispatch: Dispatch,
    noted: Noted,
    client: redis.Redis,
) -> None:
    client.set("go", 1)
    workers = start("queue", "work", "-p", "1", "--redis", server_url)
    dispatch()
    (child,) = pids(noted(2), "begun")
    maps = [Path(f"/proc/{pid}/maps") for pid in (workers.pid, child)]
    with contextlib.suppress(FileNotFoundError):  # where there is no /proc
        parents, childs = (path.read_text() for path in maps)
        # The client's parser is in a library of its own.
        assert "hiredis" in childs
        assert "hiredis" not in parents
    workers.send_signal(signal.SIGTERM)
    end_of(workers)


def test_a_signal_while_a_process_starts_ends_it_without_a_word(
    start: Start, write: Write, server_url: str, client: redis.Redis
) -> None:
    # Given a process that takes its time to import a module
    write(
        "tasks.py",
        "import os, time, redis\n"
        "with redis.Redis.from_url(os.environ['REDIS_URL']) as client:\n"
        "    client.rpush('notes', 'importing')\n"
        "time.sleep(60)\n",
    )
    workers = start("queue", "work", "-p", "2", REDIS_URL=server_url)
    deadline = time.monotonic() + DEADLINE
    while not client.exists("notes"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # When Ctrl+C reaches it and the one that started it
    os.killpg(workers.pid, signal.SIGINT)
    # Then both end
    err = end_of(workers)
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "Stopped."


@pytest.mark.fault("H18")
def test_a_first_process_that_is_killed_before_it_is_ready_is_told(
    run: Run, write: Write, server_url: str
) -> None:
    write("tasks.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    answer = run("queue", "work", "-p", "2", "--redis", server_url)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert re.search(
        r"The first worker \(pid \d+\) ended before it was ready: "
        r"it was killed by SIGKILL\.\n$",
        answer.stderr,
    )


async def test_a_process_that_is_gone_before_it_reads_its_order_was_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a process that kills itself with its order unread: that resets the line
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(worker_process, "PROGRAM", (sys.executable, "-c", kill))
    order = ProcessOrder(1, 2, True, "info", WorkerOptions())
    for _ in range(3):
        process = await worker_process.WorkerProcess.start(order)
        assert not await process.became_ready()
        assert await process.wait() == -signal.SIGKILL
