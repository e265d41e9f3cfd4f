from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
JTC = Path(sysconfig.get_path("scripts"), "jtc")
PATIENCE = 60.0

# What a reader of each sees: a pattern for each line that has to come.
SCRIPTS = {
    "embed_in_app.py": (
        "Resized cat.jpg at 640 pixels",
        r"The cache is fresh as of \d\d:\d\d:\d\d\.",
        "Done.",
    ),
    "injected_services.py": (
        "From shop@example.org to Ada: tea, cake: 7.70",
        "complete, total 770 cents",
    ),
}
WORKERS = {
    "dispatch_from_task.py": (
        r"\d\d:\d\d:\d\d  dispatched 3 jobs",
        r" +weather is fresh as of \d\d:\d\d:\d\d",
    ),
    "schedule_example.py": (
        r"\d\d:\d\d:\d\d  heartbeat        alive",
        r"\d\d:\d\d:\d\d  measure_disk     \d+\.\d GB are free",
        r"\d\d:\d\d:\d\d  take_order       order \d+ came in: job \w+",
        r" +SendReceipt      Dear Ada, thank you for order \d+\.",
    ),
}


@dataclass
class Running:
    """A program in its own process group, and what it has written so far."""

    process: subprocess.Popen[bytes]
    data: Path
    talk: Path

    def shows(self, pattern: str) -> bool:
        return any(re.fullmatch(pattern, line) for line in _lines(self.data))

    def wait_for(self, *patterns: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while missing := [p for p in patterns if not self.shows(p)]:
            assert self.process.poll() is None, self.talk.read_text()
            assert time.monotonic() < deadline, (missing, self.talk.read_text())
            time.sleep(0.05)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(
    tmp_path: Path, user_environment: dict[str, str]
) -> Iterator[Callable[..., Running]]:
    """Start a command as a user would, in an empty folder."""
    started: list[Running] = []

    def run(*command: str | Path, **environment: str) -> Running:
        data, talk = tmp_path / "stdout", tmp_path / "stderr"
        with data.open("wb") as stdout, talk.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env=user_environment | environment,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        started.append(Running(process, data, talk))
        return started[-1]

    yield run
    for running in started:
        running.process.kill()
        running.process.wait()


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*SCRIPTS, *WORKERS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_shows(name: str, start: Callable[..., Running]) -> None:
    running = start(sys.executable, "-W", "error", EXAMPLES / name)

    status = running.process.wait(PATIENCE)

    talk = running.talk.read_text()
    assert status == 0, talk
    assert [p for p in SCRIPTS[name] if not running.shows(p)] == [], talk


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_runs_an_example_on_a_server(
    name: str, start: Callable[..., Running]
) -> None:
    running = start(JTC, "queue", "work", "--app", EXAMPLES / name)

    running.wait_for(*WORKERS[name])

    assert running.interrupt() == 0


def test_the_demo_shows_ticks_and_leaves_nothing_behind(
    tmp_path: Path, start: Callable[..., Running]
) -> None:
    # Given the command of `hatch run demo`, in a folder with the examples
    environments = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]
    demo = environments["default"]["scripts"]["demo"].replace("{args}", "")
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    # When it has shown what it does
    path = f"{JTC.parent}{os.pathsep}{os.environ['PATH']}"
    running = start("/bin/sh", "-c", demo, PATH=path)
    running.wait_for(*WORKERS["schedule_example.py"])
    server = re.search(r"Embedded server started: pid (\d+)", running.talk.read_text())
    assert server is not None
    group = os.getpgid(int(server[1]))
    # Then Ctrl+C ends it, and neither it nor its server is left
    assert running.interrupt() == 0, running.talk.read_text()
    for pgid in (group, running.process.pid):
        with pytest.raises(ProcessLookupError):
            os.killpg(pgid, 0)


def test_the_example_can_be_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import schedule_example"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_example_has_the_schedules_that_most_programs_need() -> None:
    done = subprocess.run(
        [JTC, "queue", "list", "--json", "--app", EXAMPLES / "schedule_example.py"],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )

    schedules = {row["name"]: row["schedule"] for row in json.loads(done.stdout)}

    assert schedules == {
        "heartbeat": 2,
        "measure_disk": 3,
        "take_order": 5,
        "health_check": 30,
        "frequent_sync": "*/5 * * * *",
        "hourly_cleanup": "0 * * * *",
        "daily_summary": "0 0 * * *",
        "weekly_report": "0 0 * * 0",
    }


def test_an_app_without_a_server_is_told_so_and_no_password(
    start: Callable[..., Running],
) -> None:
    # Port 1 needs a privileged server: nothing listens there.
    running = start(
        sys.executable,
        EXAMPLES / "embed_in_app.py",
        REDIS_URL="redis://me:s3cret@127.0.0.1:1",
    )

    assert running.process.wait(PATIENCE) == 1
    assert "No server at redis://me:***@127.0.0.1:1: " in running.talk.read_text()
    assert "s3cret" not in running.talk.read_text()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
