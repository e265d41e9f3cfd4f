from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jtc.queue.failed_job import FailedJob


@dataclass(frozen=True, slots=True)
class FailedPage:
    """Some of the failed jobs of a queue.

    Attributes:
        jobs: The jobs, the latest first.
        next: What to ask for the page behind this one with; None when it is the last.
        total: How many failed jobs the queue keeps, whatever was searched for.
        looked_at: How many of them were looked at for this page.
    """

    jobs: Sequence[FailedJob]
    next: str | None
    total: int
    looked_at: int
