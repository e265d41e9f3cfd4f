from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.measures import Outcome
from jtc.queue.tick_end import TickEnd

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
        tick: What is recorded in the same step, when this ends a tick.
        job: The job itself, for whoever is told what came of it.
        outcome: What the attempt came to; None if it goes on or never began.
        reason: Why the job was released, or which condition skipped its tick.
    """

    job_id: str
    claim: str
    kind: Kind
    document: bytes
    number: int = 0
    status: str = ""
    queue: str = ""
    tick: TickEnd | None = None
    job: ClaimedJob | None = field(default=None, repr=False, compare=False)
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def hold(self) -> tuple[str, str]:
        """The job's id and its claim."""
        return self.job_id, self.claim
