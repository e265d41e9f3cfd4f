from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from jtc.cli.worker_options import ProcessOrder

READY = b"ready\n"
STOP = b"s"
HURRY = b"h"


class Leash:
    """What ties a worker process to the one that started it.

    The other end tells it what to do, when to stop, and, by being closed, that nobody
    is left who looks after it.

    Args:
        line: The connection to the other end.

    Attributes:
        is_to_stop: Whether this process has been told to.
    """

    def __init__(self, line: socket.socket) -> None:
        self.is_to_stop = False
        # Programs that jobs start have nothing to do with it.
        line.set_inheritable(False)
        self._line = line
        self._hurry: Callable[[], object] | None = None

    def read_order(self) -> ProcessOrder:
        """Return what this process is to do; then listen to when it is to stop."""
        text = b""
        while not text.endswith(b"\n"):
            # One at a time, so that nothing is taken of what comes next.
            text += self._line.recv(1) or b"\n"
        order = ProcessOrder.read(text)
        threading.Thread(target=self._listen, name="jtc-leash", daemon=True).start()
        return order

    def report_ready(self) -> None:
        """Say that this process can be taken for a working one."""
        try:
            self._line.sendall(READY)
        except OSError:
            # The other end is gone; the listener stops this process.
            return

    @contextmanager
    def held(self, hurry: Callable[[], object]) -> Iterator[None]:
        """Have `hurry` called, in another thread, when running jobs are to stop."""
        self._hurry = hurry
        try:
            yield
        finally:
            self._hurry = None

    def _listen(self) -> None:
        while word := self._receive():
            if word == HURRY and self._hurry is not None:
                # The worker may have ended in the meantime, and its event loop with it.
                with suppress(RuntimeError):
                    self._hurry()
            else:
                self._stop()
        self._stop()

    def _stop(self) -> None:
        self.is_to_stop = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _receive(self) -> bytes:
        try:
            return self._line.recv(1)
        except OSError:
            return b""
