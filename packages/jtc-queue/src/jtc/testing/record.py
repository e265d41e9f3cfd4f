from __future__ import annotations

from collections.abc import Iterable

import saq

from jtc.jobs.enclosing import RUNNER
from jtc.queue.settlement import Settlement
from jtc.testing.clock import Clock
from jtc.testing.dispatched import Dispatched, read_dispatched
from jtc.testing.ran import Ran, read_ran


class Record:
    """What happened on a fake server: what was dispatched, what was run, and where.

    Args:
        clock: The server's.

    Attributes:
        dispatched: The jobs of all event loops, in their order.
        ran: The attempts.
        queues: The names of the queues that were used, in their order.
    """

    def __init__(self, clock: Clock) -> None:
        self.dispatched: list[Dispatched] = []
        self.ran: list[Ran] = []
        self.queues: list[str] = []
        self._clock = clock

    def open(self, queue: str) -> None:
        """Note that a queue is used."""
        if queue not in self.queues:
            self.queues.append(queue)

    def dispatch(self, jobs: Iterable[saq.Job], queue: str) -> None:
        """Note that jobs were put in, those of `Job` classes."""
        self.dispatched += [
            read_dispatched(job, queue, self._clock.now)
            for job in jobs
            if job.function == RUNNER
        ]

    def knows(self, key: str) -> bool:
        """Tell whether the job `key` was noted."""
        return any(one.id == key for one in self.dispatched)

    def run(self, job: saq.Job, settlement: Settlement, queue: str) -> None:
        """Note that an attempt has ended."""
        self.ran.append(read_ran(job, settlement, queue))
