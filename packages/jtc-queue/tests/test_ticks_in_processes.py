from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as BlockingRedis

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "processes" / "ticking_worker.py"
Start = Callable[..., subprocess.Popen[bytes]]
Note = tuple[str, str, int, int]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.touch()
    return path


@pytest.fixture
def start(start_program: Start, redis_url: str, notes: Path) -> Start:
    def run(*, skew: int = 0, mode: str = "") -> subprocess.Popen[bytes]:
        arguments = [redis_url, notes, str(skew), mode]
        return start_program("-W", "error", PROGRAM, *arguments)

    return run


def read(notes: Path) -> list[Note]:
    return [tuple(json.loads(line)) for line in notes.read_text().splitlines()]


def recorded(url: str, task: str, seconds: int) -> dict[int, list[str]]:
    """The outcomes of each tick of a task."""
    found: dict[int, list[str]] = {}
    with BlockingRedis.from_url(url) as client:
        lines: Any = client.lrange(f"jtc:default:history:{task}", 0, -1)
    for record in map(json.loads, lines):
        for n in range(record.get("count", 1)):
            tick = record["tick"] + n * seconds
            found.setdefault(tick, []).append(record["outcome"])
    return found


def assert_each_has_one_outcome(url: str, seconds: int, ran: set[int]) -> None:
    """Assert that each tick from the first to the last ran or did not, once."""
    found = recorded(url, f"every{seconds}", seconds)
    for tick in range(min(ran), max(ran) + 1, seconds):
        (outcome,) = found[tick]
        assert (outcome in ("ran", "caught_up")) == (tick in ran), tick


def wait_for(condition: Callable[[], bool], *, within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.fault("H3")
def test_five_workers_with_wrong_clocks_run_each_tick_once(
    start: Start, notes: Path, redis_url: str
) -> None:
    # Given five workers whose clocks differ by up to a minute
    workers = [start(skew=skew) for skew in (0, 30, -30, 7, -1)]
    wait_for(lambda: len(read(notes)) > 0, within=60)
    # When they work for half a minute
    time.sleep(30)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    # Then they stop cleanly
    assert [worker.wait(timeout=20) for worker in workers] == [0] * 5
    # And each tick between the first and the last ran exactly once
    for seconds in (1, 2):
        task = f"every{seconds}"
        ran = Counter(n for n, _ in runs(notes, task))
        assert set(ran.values()) == {1}
        assert_each_has_one_outcome(redis_url, seconds, set(ran))
        assert len(ran) >= 25 // seconds


@pytest.mark.fault("H8")
def test_killing_workers_makes_ticks_late_but_never_missing_or_doubled(
    start: Start, notes: Path, redis_url: str
) -> None:
    # Given three workers
    workers = [start(mode="quick") for _ in range(3)]
    wait_for(lambda: len(read(notes)) > 0, within=60)
    killed: set[int] = set()
    chance = random.Random(20261122)

    # When one after the other is killed at some moment and replaced
    def kill_one() -> None:
        time.sleep(chance.random())
        victim = workers.pop(chance.randrange(len(workers)))
        victim.kill()
        victim.wait()
        killed.add(victim.pid)
        workers.append(start(mode="quick"))

    while len(killed) < 8:
        time.sleep(0.5)
        kill_one()
    # And what the dead held has been recovered
    with BlockingRedis.from_url(redis_url) as client:
        wait_for(lambda: not unfinished(read(notes)), within=60)
        wait_for(lambda: all_work(client, workers), within=60)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(timeout=20) for worker in workers] == [0] * 3
        assert client.hlen("jtc:default:claims") == 0
        assert client.llen("saq:default:active") == 0
    # Then no tick is missing, and none ran to its end twice
    for seconds in (1, 2):
        task = f"every{seconds}"
        ends = runs(notes, task)
        ran = {n for n, _ in ends}
        assert_each_has_one_outcome(redis_url, seconds, ran)
        # A worker that died between the task's last line and the settle leaves a job
        # that has to run again; nothing else does.
        again = [n for n, count in Counter(n for n, _ in ends).items() if count > 1]
        assert all(any(n == m and pid in killed for m, pid in ends) for n in again)


def all_work(client: Any, workers: list[subprocess.Popen[bytes]]) -> bool:
    leases = client.zrange("jtc:default:workers", 0, -1)
    pids = {int(lease.decode().split("-")[-2]) for lease in leases}
    return pids >= {worker.pid for worker in workers}


def runs(notes: Path, task: str) -> list[tuple[int, int]]:
    """Tick and process of each run of a task that got to its end."""
    return [
        (n, p) for event, name, n, p in read(notes) if (event, name) == ("done", task)
    ]


def unfinished(events: list[Note]) -> set[tuple[str, int]]:
    started = {(name, n) for event, name, n, _ in events if event == "start"}
    return started - {(name, n) for event, name, n, _ in events if event == "done"}
