from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process

from jtc.cli.leash import HURRY, READY, STOP
from jtc.cli.stopping import holding_back_signals
from jtc.cli.worker_options import ProcessOrder

# Without the working directory on its path: a queue.py there is not the library's.
PROGRAM = (sys.executable, "-P", "-m", "jtc.cli.supervised")

# Seconds; a program that a process has started may keep its connection open.
LAST_WORD = 1.0


class WorkerProcess:
    """A worker in a process of its own, seen from the one that started it."""

    def __init__(
        self,
        number: int,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.number = number
        self.pid = process.pid
        self._started = time.monotonic()
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, order: ProcessOrder) -> WorkerProcess:
        """Start a process and tell it what to do."""
        ours, theirs = socket.socketpair()
        with theirs, holding_back_signals():
            process = await asyncio.create_subprocess_exec(
                *PROGRAM,
                str(theirs.fileno()),
                stdin=DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(order.as_line())
        return cls(order.number, process, reader, writer)

    @property
    def lived(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    async def became_ready(self) -> bool:
        """Wait until the worker works; False if its process ended instead."""
        told = asyncio.ensure_future(self._read_word())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
            # One that ended at once may have said it all the same.
            await asyncio.wait([told], timeout=LAST_WORD)
            return told.done() and told.result() == READY
        finally:
            told.cancel()
            ended.cancel()

    def stop(self) -> None:
        """Let the running jobs end, then the process."""
        self._writer.write(STOP)

    def hurry(self) -> None:
        """Stop the running jobs, then the process."""
        self._writer.write(HURRY)

    def kill(self) -> None:
        """End the process now; others recover its jobs."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> int:
        """Wait until the process has ended; return its status."""
        status = await self._process.wait()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        return status

    async def _read_word(self) -> bytes:
        try:
            return await self._reader.readline()
        except OSError:
            # It was gone before it had read what it was to do.
            return b""
