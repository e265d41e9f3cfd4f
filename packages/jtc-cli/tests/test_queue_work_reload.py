from __future__ import annotations

import asyncio
import importlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from jtc.cli import reloading
from jtc.cli.commands import worker_processes
from jtc.cli.errors import CannotWatch, WatchfilesMissing
from jtc.cli.sources import find_sources
from jtc.cli.worker_options import WorkerOptions

Start = Callable[..., subprocess.Popen[str]]
Write = Callable[[str, str], Path]

DEADLINE = 60.0

TASKS = """
from jtc.schedule import Schedule
from words import WORD


@Schedule.every(1)
async def speak(ctx):
    print(WORD)
"""


class Output:
    """What a process has written so far, on both its streams."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=self._read, args=[stream], daemon=True).start()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.05)

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.lines.append(line)


def test_a_worker_starts_again_with_new_code(
    start: Start, write: Write, server_url: str, queue_name: str
) -> None:
    # Given
    write("tasks.py", TASKS)
    write("words.py", "WORD = 'one'\n")
    process = start(
        *("queue", "work", "--reload", "-q", queue_name, "--grace", "20"),
        REDIS_URL=server_url,
        # What rich or a library says of its own is no concern of this test.
        PYTHONWARNINGS="default",
    )
    output = Output(process)
    output.wait_for("one\n")
    # When a file changes that a task uses, to one of the same size
    write("words.py", "WORD = 'two'\n")
    # Then
    output.wait_for("words.py changed: the worker is started again")
    output.wait_for("two\n")
    # When it cannot be read any more
    write("words.py", "WORD = \n")
    # Then it says so, and waits
    output.wait_for("SyntaxError")
    output.wait_for("Waiting for a change of the code")
    # When it can
    write("words.py", "WORD = 'three'\n")
    # Then
    output.wait_for("three\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    output.wait_for("Stopped.")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--processes", "2"], "leave out --processes"),
        (["--burst"], "leave out one of them"),
    ],
)
def test_what_does_not_go_with_reloading_is_refused(
    invoke: Callable[..., Result], words: list[str], problem: str
) -> None:
    answer = invoke("queue", "work", "--reload", *words)
    assert answer.exit_code == 2
    assert problem in " ".join(answer.stderr.replace("│", " ").split())


def test_without_watchfiles_it_says_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "jtc.cli.reloading")
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(WatchfilesMissing, match=r"pip install 'jtc-cli\[reload\]'"):
        worker_processes.run_worker_reloading(WorkerOptions(), log_level="info")
    monkeypatch.undo()
    importlib.reload(reloading)


class FakeSupervisor:
    """Runs until it is told to stop."""

    def __init__(self) -> None:
        self.replaced = asyncio.Event()
        self.told = asyncio.Event()

    async def run(self) -> int:
        await self.told.wait()
        return 0

    def stop(self) -> None:
        self.told.set()

    def replace(self) -> bool:
        self.replaced.set()
        return True

    async def was_replaced(self) -> None:
        await asyncio.wait_for(self.replaced.wait(), DEADLINE)
        self.replaced.clear()


async def test_a_system_that_does_not_tell_of_changes_ends_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*folders: Path, **options: object) -> object:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(reloading, "awatch", refuse)
    supervisor: Any = FakeSupervisor()
    with pytest.raises(CannotWatch, match="watch limit reached"):
        await reloading.run_reloading(supervisor, find_sources(()))


async def test_files_in_a_new_folder_are_noticed(
    project: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    # Given
    caplog.set_level("INFO")
    supervisor: Any = FakeSupervisor()
    watching = asyncio.create_task(
        reloading.run_reloading(supervisor, find_sources(()))
    )

    # It has looked at what is there
    await asyncio.sleep(0)
    # When a package appears, and then changes
    for number in range(5):
        write(f"shop/part_{number}.py", "")
    await supervisor.was_replaced()
    write("shop/part_0.py", "PRICE = 1\n")
    while "shop/part_0.py changed: the worker is started again" not in caplog.text:
        await supervisor.was_replaced()
    # Then
    supervisor.stop()
    assert await watching == 0


async def test_many_files_are_counted(
    project: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    paths = [project / f"a{number}.py" for number in range(5)]
    reloading._report(paths, is_running=False)
    said = "a0.py, a1.py, a2.py and 2 more changed: the worker is started again."
    assert said in caplog.messages
