from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from jtc.queue import server_guard

# Seconds that the guard gets beyond those it gives the server.
GUARD_MARGIN = 5.0


class ServerProcess:
    """A server, and the guard that stops it when this process is gone.

    Args:
        command: The server's command line.
        folder: Its working directory.
        log: Where its output goes.
        lock: A locked descriptor that it inherits.
        patience: Seconds between asking it to stop and killing it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: BinaryIO,
        lock: int,
        patience: float,
    ) -> None:
        self._patience = patience
        words = (os.getpid(), lock, patience, *command)
        self._guard = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [sys.executable, "-I", "-S", server_guard.__file__, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[lock],
            cwd=folder,
            # Ctrl+C at a terminal reaches every process in the foreground, and the
            # server has to outlive the worker's clean stop.
            start_new_session=True,
        )
        line = self._guard.stdout.readline() if self._guard.stdout else b""
        #: The server's process id; 0 if it could not be started.
        self.pid = int(line or 0)

    def has_ended(self) -> bool:
        """Tell whether the server is gone."""
        return self._guard.poll() is not None

    def end(self) -> None:
        """Stop the server and wait for it."""
        with suppress(subprocess.TimeoutExpired):
            # Closes the guard's standard input, which is what it waits for.
            self._guard.communicate(timeout=self._patience + GUARD_MARGIN)
        if self._guard.returncode is None or self._guard.returncode < 0:
            # The guard is stuck or was killed: the server is still in its group.
            with suppress(ProcessLookupError):
                os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.communicate()
