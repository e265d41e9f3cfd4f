from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as BlockingRedis

from jtc.queue.definition import member_of
from jtc.queue.tick_record import TickRecord, read_tick_record
from jtc.schedule import ScheduledTask

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "processes" / "deployed_worker.py"
Worker = subprocess.Popen[bytes]
Deploy = Callable[[Sequence[dict[str, Any]]], Worker]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.touch()
    return path


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with BlockingRedis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def deploy(start_program: Callable[..., Worker], redis_url: str, notes: Path) -> Deploy:
    def run(tasks: Sequence[dict[str, Any]]) -> Worker:
        arguments = [redis_url, notes, json.dumps(tasks)]
        return start_program("-W", "error", PROGRAM, *arguments)

    return run


def stop(*workers: Worker) -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(timeout=30) for worker in workers] == [0] * len(workers)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def runs(notes: Path, name: str) -> list[tuple[int, int]]:
    """Tick and process of each run of a task, in the order in which they ran."""
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    return [(tick, pid) for task, tick, pid in lines if task == name]


def records(client: Any, name: str) -> list[TickRecord]:
    """What became of a task's ticks, the oldest record first."""
    lines = client.lrange(f"jtc:default:history:{name}", 0, -1)
    found = [read_tick_record(name, line) for line in reversed(lines)]
    return [record for record in found if record]


def outcomes(client: Any, name: str, every: int) -> dict[int, list[str]]:
    """The outcomes of each tick."""
    found: dict[int, list[str]] = {}
    for record in records(client, name):
        first = int(record.tick.timestamp())
        for n in range(record.count):
            found.setdefault(first + n * every, []).append(record.outcome)
    return found


def test_a_rolling_deploy_runs_each_tick_once(
    deploy: Deploy, notes: Path, client: Any
) -> None:
    # Given two workers that know three tasks
    same = {"name": "same", "every": 1}
    removed = {"name": "removed", "every": 1}
    old = [same, removed, {"name": "changed", "every": 2}]
    new = [same, {"name": "changed", "every": 3}]
    before = [deploy(old) for _ in range(2)]
    wait_for(lambda: len(runs(notes, "changed")) >= 2)
    # When they are replaced, one after the other, by workers for which one of the tasks
    # has changed and one is gone
    after: list[Worker] = []
    for worker in before:
        after.append(deploy(new))
        wait_for(lambda: runs_of(notes, after[-1]))
        stop(worker)
    replaced = int(client.time()[0])
    wait_for(lambda: client.zcard("jtc:default:seen") == 2)
    wait_for(lambda: max(runs(notes, "changed"))[0] >= replaced + 3)
    stop(*after)
    # Then what stayed ran each time, once
    ticks = [tick for tick, _ in runs(notes, "same")]
    assert max(Counter(ticks).values()) == 1
    found = outcomes(client, "same", 1)
    grid = range(min(ticks), max(ticks) + 1)
    assert {tick: len(found.get(tick, [])) for tick in grid} == dict.fromkeys(grid, 1)
    # And what changed ran by the one definition or the other, a common tick once
    changed = [tick for tick, _ in runs(notes, "changed")]
    assert max(Counter(changed).values()) == 1
    assert all(tick % 2 == 0 or tick % 3 == 0 for tick in changed)
    later = [tick for tick in changed if tick > replaced]
    assert later
    assert all(tick % 3 == 0 for tick in later)
    assert all(len(found) == 1 for found in outcomes(client, "changed", 1).values())
    # And what is gone did not run any more
    assert all(tick <= replaced for tick, _ in runs(notes, "removed"))
    assert set(client.hkeys("jtc:default:definitions")) == {b"same", b"changed"}


def runs_of(notes: Path, worker: Worker) -> bool:
    names = ("same", "changed")
    return any(pid == worker.pid for name in names for _, pid in runs(notes, name))


def test_ten_minutes_without_a_worker(deploy: Deploy, notes: Path, client: Any) -> None:
    # Given tasks that are due every minute, and were five seconds ago
    phase = int(client.time()[0] - 5) % 60
    kinds: dict[str, dict[str, Any]] = {
        "latest": {"catchup": "latest"},
        "none": {"catchup": "none"},
        "all": {"catchup": "all"},
        "free": {"catchup": "all", "overlap": "allow"},
        "few": {"catchup": "all", "catchup_limit": 3},
        "short": {"catchup": "all", "catchup_window": 150},
    }
    tasks = [
        {"name": name, "every": 60, "phase": phase, **kind}
        for name, kind in kinds.items()
    ]
    worker = deploy(tasks)
    wait_for(lambda: client.zcard("jtc:default:due") == len(tasks))
    # When their only worker is away for ten minutes
    stop(worker)
    newest = int(client.time()[0] - phase) // 60 * 60 + phase
    first = newest - 600
    for task in tasks:
        move_back(client, task, first)
    client.hincrbyfloat("jtc:default:polled", "last", -700)
    client.hincrbyfloat("jtc:default:polled", "since", -700)
    worker = deploy(tasks)
    wait_for(lambda: all(has_run(client, name, newest) for name in kinds))
    stop(worker)
    # Then each tick has one outcome, which is what its task asked for
    ticks = range(first, newest + 1, 60)
    found = {name: outcomes(client, name, 60) for name in kinds}
    for name in kinds:
        assert {t: len(found[name][t]) for t in ticks} == dict.fromkeys(ticks, 1)
    made_up = {name: [found[name][t][0] for t in ticks] for name in kinds}
    assert made_up == {
        "latest": ["missed:down"] * 10 + ["ran"],
        "none": ["missed:down"] * 10 + ["ran"],
        "all": ["caught_up"] * 10 + ["ran"],
        "free": ["caught_up"] * 10 + ["ran"],
        "few": ["missed:catchup_limit"] * 7 + ["caught_up"] * 3 + ["ran"],
        "short": ["missed:catchup_window"] * 8 + ["caught_up"] * 2 + ["ran"],
    }
    # And those that were made up for ran one after the other, the oldest first
    ran = {name: [tick for tick, _ in runs(notes, name)] for name in kinds}
    assert ran["all"] == sorted(ran["all"])
    assert ran["few"] == sorted(ran["few"])
    for name in kinds:
        assert set(ran[name]) >= {
            t for t, o in zip(ticks, made_up[name], strict=True) if "missed" not in o
        }


def move_back(client: Any, said: dict[str, Any], first: int) -> None:
    """Let a task be due since a time in the past, as if nobody had been there."""
    options = dict(said)
    task = ScheduledTask(print, options.pop("every"), **options)
    client.zadd("jtc:default:due", {member_of(task): first})
    client.hset("jtc:default:last", task.name, f"{first - 60} {task.fingerprint}")


def has_run(client: Any, name: str, tick: int) -> bool:
    return any(
        record.outcome == "ran" and record.tick.timestamp() >= tick
        for record in records(client, name)
    )
