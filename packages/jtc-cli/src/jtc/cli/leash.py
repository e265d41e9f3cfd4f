from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from jtc.cli.snapshot_sum import Snapshot
from jtc.cli.worker_options import ProcessOrder

READY = b"ready\n"
STOP = b"s"
HURRY = b"h"
LOOK = b"l"

TELL_EVERY = 1.0
"""Seconds between two words on how this process is."""
LAST_WORD = 1.0
"""Seconds that the last one may take."""


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
        self._look: Callable[[], object] | None = None

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
        self._say(READY)

    @contextmanager
    def held(self, hurry: Callable[[], object]) -> Iterator[None]:
        """Have `hurry` called, in another thread, when running jobs are to stop."""
        self._hurry = hurry
        try:
            yield
        finally:
            self._hurry = None

    @contextmanager
    def telling(
        self, read: Callable[[], Snapshot], *, look: Callable[[], object]
    ) -> Iterator[None]:
        """Say every second how this process is, and a last time at the end.

        That is done by a thread: neither an event loop that does not turn nor another
        end that does not listen is in its way.

        Args:
            read: Returns what there is to say.
            look: Called, in another thread, when this process is the one that is to
                look at the queues.
        """
        ended = threading.Event()
        teller = threading.Thread(
            target=self._tell, args=(read, ended), name="jtc-teller", daemon=True
        )
        self._look = look
        teller.start()
        try:
            yield
        finally:
            self._look = None
            ended.set()
            teller.join(LAST_WORD)

    def _tell(self, read: Callable[[], Snapshot], ended: threading.Event) -> None:
        is_last = False
        while not is_last:
            is_last = ended.wait(TELL_EVERY)
            self._say(json.dumps(read()).encode() + b"\n")

    def _say(self, line: bytes) -> None:
        try:
            self._line.sendall(line)
        except OSError:
            # The other end is gone; the listener stops this process.
            return

    def _listen(self) -> None:
        while word := self._receive():
            call = {HURRY: self._hurry, LOOK: self._look}.get(word)
            # The worker may have ended in the meantime, and its event loop with it.
            with suppress(RuntimeError):
                if call is not None:
                    call()
                elif word != LOOK:
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
