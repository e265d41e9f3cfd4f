from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jtc.queue.job_record import JobRecord

PageState = Literal["waiting", "delayed", "running", "failed", "complete", "aborted"]


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some of the jobs of a queue that are in one state.

    Attributes:
        jobs: The jobs.
        next: What to ask for the page behind this one with; None when it is the last.
        total: How many jobs are in that state, whatever was searched for; None where
            nobody counts them, which is so for `complete` and `aborted`.
        looked_at: How many jobs were looked at for this page.
    """

    jobs: Sequence[JobRecord]
    next: str | None
    total: int | None
    looked_at: int
