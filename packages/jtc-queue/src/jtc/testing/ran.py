from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import saq

from jtc.queue.secret_fields import MaskedDict, secret_names
from jtc.queue.settlement import Settlement

Outcome = Literal["complete", "retried", "failed", "aborted", "released"]
"""`retried`: it failed and is tried again. `aborted`: canceled, discarded or skipped.
`released`: given back without spending a try."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One attempt that was run.

    Attributes:
        name: The task, or what the queue calls the job's class.
        outcome: What became of the job.
        payload: The job's values as JSON has them; secrets can be read, and are
            masked where it is printed.
        attempt: Which one it was, from 1.
        result: What was returned, as JSON has it.
        error: The traceback or the reason; None if there was none.
        queue: The queue.
        id: The job's key in its queue.
    """

    name: str
    outcome: Outcome
    payload: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    result: Any = None
    error: str | None = None
    queue: str = "default"
    id: str = ""

    def __str__(self) -> str:
        lines = (self.error or "").strip().splitlines()
        why = f": {lines[-1]}" if lines else ""
        return f"{self.name}, attempt {self.attempt}: {self.outcome}{why}"


def read_ran(job: saq.Job, settlement: Settlement, queue: str) -> Ran:
    """Return what a settlement says of the attempt that it ends."""
    kwargs = job.kwargs or {}
    is_job = job.function == "runner"
    payload = kwargs["payload"] if is_job else kwargs
    secret = secret_names(job.meta)
    return Ran(
        name=kwargs["job_class"] if is_job else job.function.removeprefix("task:"),
        outcome=_outcome(settlement),
        payload=MaskedDict(payload, secret) if secret else payload,
        attempt=job.attempts,
        result=job.result,
        error=job.error,
        queue=queue,
        id=job.key,
    )


def _outcome(settlement: Settlement) -> Outcome:
    match settlement.kind:
        case "failed":
            return "failed"
        case "retry":
            return "retried"
        case "release":
            return "released"
        case _:
            return "complete" if settlement.status == "complete" else "aborted"
