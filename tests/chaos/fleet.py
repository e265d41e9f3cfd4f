from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from journal import Journal

HERE = Path(__file__).parent
# A process that ends while the server stands still leaves a call, and its socket, open.
WARNINGS = ("-W", "error", "-W", "ignore::ResourceWarning")


class Process:
    """A worker or a producer in a process of its own.

    Args:
        program: The file beside this one to run.
        arguments: What it gets.
        folder: The run's folder, for what it prints.
        name: Names it in the notes.
    """

    def __init__(
        self, program: str, arguments: Sequence[str], *, folder: Path, name: str
    ) -> None:
        self.name = name
        self._notes = folder / "notes" / f"{name}.jsonl"
        self.is_frozen = False
        self.is_stopping = False
        printed = folder / "printed"
        printed.mkdir(exist_ok=True)
        with (printed / f"{name}.txt").open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, *WARNINGS, str(HERE / program), *arguments],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_begun(self) -> bool:
        """Whether it has noted anything yet."""
        return self._notes.exists() and self._notes.stat().st_size > 0

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if it has ended."""
        self._process.send_signal(number)

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        return self._process.poll()

    def end(self) -> int:
        """Kill it and wait for it."""
        self._process.kill()
        return self.wait(60)

    def wait(self, seconds: float) -> int:
        """Wait until it has ended and return the exit status."""
        status = self._process.wait(seconds)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return status


class Fleet:
    """The workers of a run: as many as wanted, each replaced when it has ended.

    Args:
        url: The server's.
        folder: The run's folder.
        journal: Where births, deaths and stand-stills are noted.
        size: How many there should be.
        options: Each worker's.
    """

    def __init__(
        self, url: str, folder: Path, journal: Journal, *, size: int, **options: Any
    ) -> None:
        self._url, self._folder, self._journal = url, folder, journal
        self._size, self._options = size, options
        self._born = 0
        self.workers: list[Process] = []

    @property
    def at_work(self) -> list[Process]:
        """Those that have begun and were neither frozen nor told to stop."""
        return [
            worker
            for worker in self.workers
            if worker.has_begun and not (worker.is_frozen or worker.is_stopping)
        ]

    def tend(self) -> None:
        """Note who has ended, and fill the gaps."""
        for worker in list(self.workers):
            if worker.poll() is not None:
                self._bury(worker, "stopped" if worker.is_stopping else "by itself")
        while len(self.workers) < self._size:
            self._add()

    def shrink(self, size: int, **options: Any) -> None:
        """Let there be fewer from now on, with other options."""
        self._size = size
        self._options |= options
        self.tend()

    def kill(self, worker: Process) -> None:
        """End a worker at once."""
        self._journal.note("killed", worker=worker.name)
        worker.end()
        self._bury(worker, "killed")

    def freeze(self, worker: Process) -> None:
        """Let a worker stand still."""
        worker.signal(signal.SIGSTOP)
        worker.is_frozen = True
        self._journal.note("frozen", worker=worker.name)

    def thaw(self, worker: Process) -> None:
        """Let a frozen worker go on."""
        if worker not in self.workers:
            return
        self._journal.note("thawed", worker=worker.name)
        worker.is_frozen = False
        worker.signal(signal.SIGCONT)

    def stop(self, worker: Process) -> None:
        """Tell a worker to end what it runs and exit."""
        self._journal.note("told to stop", worker=worker.name)
        worker.is_stopping = True
        worker.signal(signal.SIGTERM)

    def stop_all(self, *, within: float) -> None:
        """Stop all workers and wait for them; who does not end in time is killed."""
        for worker in self.workers:
            self.stop(worker)
        deadline = time.monotonic() + within
        for worker in list(self.workers):
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.end()
                self._bury(worker, "did not stop")
            else:
                self._bury(worker, "stopped")

    def weigh(self) -> None:
        """Note how much memory each worker has, where the system tells."""
        for worker in self.workers:
            with suppress(OSError):
                status = Path(f"/proc/{worker.pid}/status").read_text(encoding="utf-8")
                sizes = [x for x in status.splitlines() if x.startswith("VmRSS:")]
                if sizes:
                    self._journal.note(
                        "weighed",
                        worker=worker.name,
                        kilobytes=int(sizes[0].split()[1]),
                    )

    def _add(self) -> None:
        self._born += 1
        name = f"w{self._born}"
        arguments = [self._url, str(self._folder), name, json.dumps(self._options)]
        worker = Process("worker.py", arguments, folder=self._folder, name=name)
        self.workers.append(worker)
        self._journal.note("born", worker=name, pid=worker.pid)

    def _bury(self, worker: Process, how: str) -> None:
        status = worker.wait(1)
        self.workers.remove(worker)
        self._journal.note("died", worker=worker.name, how=how, status=status)
