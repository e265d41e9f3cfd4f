from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BUSY_JOBS = 1000
DEFAULT_BUSY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BusyLimits:
    """From when on a queue is busy, so that `QueueBusy` is announced.

    Attributes:
        jobs: How many jobs wait for a worker.
        seconds: How long the next of them waits.
    """

    jobs: int = DEFAULT_BUSY_JOBS
    seconds: float = DEFAULT_BUSY_SECONDS
