from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process

from jtc.cli.census import Census
from jtc.cli.leash import HURRY, LOOK, READY, STOP
from jtc.cli.stopping import holding_back_signals
from jtc.cli.worker_options import ProcessOrder

# Without the working directory on its path: a queue.py there is not the library's.
PROGRAM = (sys.executable, "-P", "-m", "jtc.cli.supervised")

# Seconds; a program that a process has started may keep its connection open.
LAST_WORD = 1.0
LONGEST_LINE = 2**24
"""Bytes; a process may have a thousand kinds of jobs to tell of."""


class WorkerProcess:
    """A worker in a process of its own, seen from the one that started it."""

    def __init__(
        self,
        number: int,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        census: Census | None = None,
    ) -> None:
        self.number = number
        self.pid = process.pid
        self._census = census
        self._member = census.join(number, self._look) if census else None
        self._started = time.monotonic()
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, order: ProcessOrder, census: Census | None = None
    ) -> WorkerProcess:
        """Start a process and tell it what to do.

        Args:
            order: That.
            census: Is told what the process says of itself.
        """
        ours, theirs = socket.socketpair()
        with theirs, holding_back_signals():
            process = await asyncio.create_subprocess_exec(
                *PROGRAM,
                str(theirs.fileno()),
                stdin=DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
        writer.write(order.as_line())
        return cls(order.number, process, reader, writer, census)

    @property
    def lived(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    async def became_ready(self) -> bool:
        """Wait until the worker works; False if its process ended instead."""
        told = asyncio.ensure_future(self._ready.wait())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
            # One that ended at once may have said it all the same.
            await asyncio.wait(
                [told, self._reading],
                return_when=asyncio.FIRST_COMPLETED,
                timeout=LAST_WORD,
            )
            return self._ready.is_set()
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
        # What it said last.
        await asyncio.wait([self._reading], timeout=LAST_WORD)
        self._reading.cancel()
        if self._census is not None and self._member is not None:
            self._census.leave(self._member)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        return status

    def _look(self) -> None:
        self._writer.write(LOOK)

    async def _read(self) -> None:
        # An error: it was gone before it had read what it was to do.
        with contextlib.suppress(OSError):
            async for line in self._reader:
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        if line == READY:
            self._ready.set()
        # One that was killed may have said half of it.
        elif line.endswith(b"\n") and self._census and self._member:
            self._census.hear(self._member, json.loads(line))
