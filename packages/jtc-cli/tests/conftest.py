from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner, Result

import jtc.cli
from jtc.jobs import known_jobs
from jtc.queue import RedisQueue, open_client
from jtc.queue.embedded import EmbeddedServer
from jtc.schedule import ScheduleRegistry

SETTINGS = (
    "REDIS_URL",
    "QUEUE_NAME",
    "QUEUE_CONCURRENCY",
    "QUEUE_GRACE",
    "JTC_MODULES",
    "JTC_TIMEZONE",
    "JTC_ENV",
    "JTC_HISTORY",
    "JTC_LOG_FORMAT",
    "COLUMNS",
    "NO_COLOR",
)

TASKS = '''
from jtc.jobs import Job
from jtc.schedule import Schedule


@Schedule.every(1)
async def heartbeat(ctx):
    """Say that all is well."""
    print("beat", ctx["tick"].nominal.isoformat())


@Schedule.cron("0 3 * * *", timezone="Europe/Berlin")
def nightly_report(ctx):
    """Write the report."""


class Greet(Job):
    name: str

    async def handle(self):
        print(f"hello {self.name}")
'''

Write = Callable[[str, str], Path]
Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Ask = Callable[[Callable[[RedisQueue], Awaitable[Any]]], Any]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be in an empty project; what it adds to this process is forgotten afterwards."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    with ScheduleRegistry.scoped(), known_jobs.scoped():
        yield folder
    added = {name: sys.modules[name] for name in set(sys.modules) - before}
    # A namespace package works its path out from its parent: look before deleting.
    ours = [name for name, module in added.items() if _is_in(tmp_path, module)]
    for name in ours:
        del sys.modules[name]


def _is_in(folder: Path, module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(place and Path(place).is_relative_to(folder) for place in places)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start the program: the gate runs them once."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "start" in names and Path(__file__).parent in item.path.parents:
            item.add_marker("process")


@pytest.fixture
def write(project: Path) -> Write:
    """Write a file of the project."""

    def write_file(name: str, text: str = "") -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def tasks(write: Write) -> Path:
    """A module with two tasks and a job."""
    return write("tasks.py", TASKS)


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start `jtc` in the project, in a process group of its own."""
    processes: list[subprocess.Popen[str]] = []

    def start_jtc(
        *words: str, program: str = "jtc", **environ: str
    ) -> subprocess.Popen[str]:
        script = shutil.which(program, path=Path(sys.executable).parent)
        assert script, f"{program} is not installed beside {sys.executable}"
        process = subprocess.Popen(
            [script, *words],
            cwd=project,
            env={**os.environ, "PYTHONWARNINGS": "error", **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start_jtc
    for process in processes:
        # Also when it has ended itself: a child of it that hangs would keep the pipes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def run(start: Start) -> Run:
    """Run `jtc` in the project to its end."""

    def run_jtc(
        *words: str, program: str = "jtc", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        process = start(*words, program=program, **environ)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run_jtc


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey server for all tests of this package."""
    with EmbeddedServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture
def queue_name() -> str:
    """A queue that no other test has."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def ask(server_url: str, queue_name: str) -> Ask:
    """Do something with the queue of this test."""

    async def run(step: Callable[[RedisQueue], Awaitable[Any]]) -> Any:
        client: Redis = open_client(server_url)
        try:
            return await step(RedisQueue(client, name=queue_name))
        finally:
            await client.aclose()

    return lambda step: asyncio.run(run(step))


@pytest.fixture
def invoke(
    project: Path, server_url: str, queue_name: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run `jtc ...` in this process and in the project, on the queue of this test."""
    monkeypatch.setenv("REDIS_URL", server_url)
    monkeypatch.setenv("QUEUE_NAME", queue_name)
    # A loaded machine may be slow; whoever waits in vain is another test.
    for module in ("last_outcomes", "schedule_view", "commands.schedule.upcoming"):
        monkeypatch.setattr(f"jtc.cli.{module}.GLANCE", 30.0)

    def call(*words: str) -> Result:
        return CliRunner().invoke(jtc.cli.app, words, catch_exceptions=False)

    return call


@pytest.fixture
def plant(ask: Ask) -> Callable[..., None]:
    """Put a record of a tick into a history, as workers write it; ages in seconds."""

    def plant_record(name: str, outcome: str, *, age: float, **facts: Any) -> None:
        # In the middle of its unit, so that the test may take its time.
        at = time.time() - age
        record = {"tick": at // 1, "outcome": outcome, "at": at, **facts}

        async def push(queue: RedisQueue) -> None:
            history = f"{queue.keys.history}{name}"
            pushed: Any = queue.redis.lpush(history, json.dumps(record))
            await pushed

        ask(push)

    return plant_record
