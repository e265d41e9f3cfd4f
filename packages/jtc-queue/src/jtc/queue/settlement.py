from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["update", "done", "failed", "retry", "release"]


@dataclass(frozen=True, slots=True)
class Settlement:
    """One line for `settle.lua`: what becomes of a job, if the claim still holds.

    Attributes:
        job_id: The job's key in Redis.
        claim: The claim to compare with; empty for a job that nobody holds.
        kind: The transition.
        document: The job's document as it will stand.
        number: Seconds to keep a finished job, or milliseconds until a retry.
        status: What to tell those who listen to this job; empty for nothing.
        queue: The name of its queue; empty for the first one of a worker.
    """

    job_id: str
    claim: str
    kind: Kind
    document: bytes
    number: int = 0
    status: str = ""
    queue: str = ""
