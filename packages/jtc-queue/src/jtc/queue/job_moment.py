from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

What = Literal[
    "queued",
    "due",
    "recovered",
    "put off",
    "waits for a worker that knows it",
    "retried",
    "started",
    "to be stopped",
    "complete",
    "failed",
    "aborted",
]


@dataclass(frozen=True, slots=True)
class JobMoment:
    """Something that has become of a job.

    Attributes:
        at: When, in UTC; None where the queue keeps only that it was so.
        what: What it was.
        detail: More about it, for people; may be empty.
    """

    at: datetime | None
    what: What
    detail: str = ""
