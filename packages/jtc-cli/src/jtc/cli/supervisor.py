from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from jtc.cli.output import say
from jtc.cli.restarts import count_deaths, describe_end, restart_delay
from jtc.cli.stopping import SIGNALS
from jtc.cli.supervised import RECYCLED
from jtc.cli.worker_process import WorkerProcess

logger = logging.getLogger(__name__)

# How a process ends that was told to; by the signal itself if it was still starting.
CLEAN = (0, RECYCLED, -signal.SIGTERM, -signal.SIGINT)


class Supervisor:
    """Keeps a number of worker processes running until it gets a signal.

    One that dies is started again, one that dies again and again after longer and
    longer pauses; one that has reached a limit is replaced at once.

    Args:
        start: Starts the process that has a number.
        processes: How many there are to be.
        burst: Whether a process that has ended well has done its work.
        reloads: Whether somebody is at work on the code: a process that could not
            start waits for `replace`, and the first signal stops running jobs too.
    """

    def __init__(
        self,
        start: Callable[[int], Awaitable[WorkerProcess]],
        *,
        processes: int,
        burst: bool,
        reloads: bool = False,
    ) -> None:
        self._start = start
        self._processes = processes
        self._burst = burst
        self._reloads = reloads
        self._running: set[WorkerProcess] = set()
        self._outdated: set[WorkerProcess] = set()
        self._woken = asyncio.Event()
        self._starting = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._signals = 0

    async def run(self) -> int:
        """Run until a signal, or the end of a burst.

        Returns:
            0, or 1 if the first process could not start or one did not end well.
        """
        with self._handle_signals():
            first = await self._launch(1)
            # Alone, until it works: all others would say the same of what is wrong.
            if not self._reloads and not await first.became_ready():
                return self._give_up(first, await self._await_end(first))
            numbers = range(2, self._processes + 1)
            statuses = await asyncio.gather(
                self._keep(1, first), *(self._keep(number) for number in numbers)
            )
        return max(statuses)

    def replace(self) -> bool:
        """Let all processes end after their running jobs, and start them again.

        Those that wait after their end are started at once.

        Returns:
            Whether there were any that have to end first.
        """
        self._outdated = set(self._running)
        self._woken.set()
        for process in self._running:
            process.stop()
        return bool(self._running)

    def stop(self) -> None:
        """Do what a signal does."""
        self._signal()

    async def _keep(self, number: int, process: WorkerProcess | None = None) -> int:
        deaths = 0
        while not self._stopping.is_set():
            process = process or await self._launch(number)
            status = await self._await_end(process)
            if self._stopping.is_set() or (self._burst and status == 0):
                return self._status(status)
            if status == RECYCLED:
                deaths = 0
                self._report_limit(process)
            elif process not in self._outdated:
                deaths = count_deaths(deaths, lived=process.lived)
                await self._pause_after_death(process, status, deaths)
            process = None
        return 0

    async def _launch(self, number: int) -> WorkerProcess:
        # One at a time: while a process is started, signals wait.
        async with self._starting:
            self._woken.clear()
            process = await self._start(number)
        self._running.add(process)
        # The signal may have come while it was being started.
        for sent in range(1, self._signals + 1):
            self._pass_on(process, sent)
        return process

    async def _await_end(self, process: WorkerProcess) -> int:
        status = await process.wait()
        self._running.discard(process)
        return status

    async def _pause_after_death(
        self, process: WorkerProcess, status: int, deaths: int
    ) -> None:
        if self._reloads and status == 1:
            # It has said itself what is wrong, and would say so again.
            say("Waiting for a change of the code; Ctrl+C ends this.")
            await self._woken.wait()
            return
        delay = restart_delay(deaths)
        logger.warning(
            "Worker process %d (pid %d) is gone: %s. It is started again in %.2g s.",
            process.number,
            process.pid,
            describe_end(status),
            delay,
            extra={"action": "process_died", "status": status},
        )
        try:
            async with asyncio.timeout(delay):
                await self._woken.wait()
        except TimeoutError:
            return

    def _report_limit(self, process: WorkerProcess) -> None:
        logger.info(
            "Worker process %d (pid %d) has ended by itself and is replaced.",
            process.number,
            process.pid,
            extra={"action": "process_replaced"},
        )

    def _give_up(self, first: WorkerProcess, status: int) -> int:
        # With 1 it has said itself what is wrong.
        if status != 1 and not self._stopping.is_set():
            logger.error(
                "The first worker (pid %d) ended before it was ready: %s.",
                first.pid,
                describe_end(status),
                extra={"action": "process_not_ready", "status": status},
            )
        return self._status(status)

    def _status(self, status: int) -> int:
        return 0 if self._stopping.is_set() and status in CLEAN else min(1, abs(status))

    @contextmanager
    def _handle_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for signum in SIGNALS:
            loop.add_signal_handler(signum, self._signal)
        try:
            yield
        finally:
            for signum in SIGNALS:
                loop.remove_signal_handler(signum)

    def _signal(self) -> None:
        self._signals += 1
        if not self._stopping.is_set():
            logger.info(
                "Stopping %d worker process(es).",
                len(self._running),
                extra={"action": "processes_stopping"},
            )
            self._stopping.set()
        self._woken.set()
        for process in self._running:
            self._pass_on(process, self._signals)

    def _pass_on(self, process: WorkerProcess, sent: int) -> None:
        words = (process.stop, process.hurry, process.kill)[self._reloads :]
        words[min(sent, len(words)) - 1]()
