from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import redis
from journal import Journal
from redis.backoff import NoBackoff
from redis.retry import Retry

from jtc.queue.server_process import ServerProcess
from jtc.queue.server_program import build_server_command, find_server_program

# What is acknowledged has been written and synced. The file is never rewritten: at the
# end it tells every change of state there was, in order.
OPTIONS = ("--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0


class Server:
    """A durable server that is killed, stopped and frozen on purpose.

    Args:
        folder: Its data.
        journal: Where it is noted when it was away.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        folder.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        self._folder = folder
        self._journal = journal
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """The same from one start to the next."""
        return f"redis://127.0.0.1:{self._port}"

    def client(self) -> redis.Redis:
        """Return a client that does not try again."""
        return redis.Redis.from_url(
            self.url, socket_timeout=10, retry=Retry(NoBackoff(), 0)
        )

    def start(self) -> None:
        """Start it and wait until it has loaded what it knew."""
        command = build_server_command(find_server_program(), port=self._port)
        with (self._folder / "server.log").open("ab") as log:
            self._process = ServerProcess(
                [*command, *OPTIONS],
                folder=self._folder,
                log=log,
                lock=log.fileno(),
                patience=STOP_TIMEOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if time.monotonic() > deadline or self._process.has_ended():
                raise RuntimeError(f"The server did not start, see {self._folder}.")
            time.sleep(0.02)
        self._journal.note("server up")

    def stop(self) -> None:
        """Let it end by itself."""
        self._journal.note("server down", how="stopped")
        self._end()

    def kill(self) -> None:
        """End it at once."""
        self._journal.note("server down", how="killed")
        self._signal(signal.SIGKILL)
        self._end()

    def freeze(self) -> None:
        """Let it stand still with its connections open."""
        self._journal.note("server down", how="frozen")
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        self._journal.note("server up")

    def pause(self, seconds: float) -> None:
        """Let it hold back all replies for a while."""
        self._journal.note("server down", how="paused")
        with self.client() as client:
            client.execute_command("CLIENT", "PAUSE", round(seconds * 1000), "ALL")

    def resume(self) -> None:
        """Wait for the end of a pause."""
        with self.client() as client:
            client.ping()
        self._journal.note("server up")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return not client.info("persistence")["loading"]
            except (redis.RedisError, OSError):
                return False
