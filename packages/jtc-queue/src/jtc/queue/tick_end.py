from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import saq

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.codec import encode
from jtc.queue.failure import MESSAGE_LIMIT
from jtc.queue.tick import TickMeta, tick_meta_of


@dataclass(frozen=True, slots=True)
class TickEnd:
    """What is recorded when the job of a tick ends.

    Attributes:
        name: The schedule's name.
        record: The record as JSON; the server adds when it was.
        uncount: Whether the run, which was counted, did not take place.
    """

    name: str
    record: bytes
    uncount: bool = False

    def as_arguments(self) -> tuple[str, bytes, int]:
        """Return it as the scripts take it."""
        return self.name, self.record, int(self.uncount)


def tick_end_of(
    job: saq.Job, *, outcome: str | None = None, error: str | None = None
) -> TickEnd | None:
    """Return what to record of a job that ends now; None when it is no tick's.

    Args:
        job: The job as it ended.
        outcome: The kind of run that it was meant to be, unless given.
        error: Why it failed or was canceled.
    """
    meta = job.tick if isinstance(job, ClaimedJob) else tick_meta_of(job.meta)
    if meta is None:
        return None
    record = {
        "tick": meta["nominal"],
        "outcome": outcome or meta["kind"],
        **_attempt_of(job, meta),
        **({"error": error[:MESSAGE_LIMIT]} if error else {}),
        "attempts": job.attempts,
        "job": job.key,
    }
    uncount = outcome is not None and meta.get("counted") is True
    return TickEnd(meta["name"], encode(record), uncount)


def cancellation(reason: str) -> str:
    """Return what the record of a canceled tick says.

    Example:
        >>> cancellation("not today"), cancellation("canceled")
        ('canceled: not today', 'canceled')
    """
    return reason if reason.startswith("canceled") else f"canceled: {reason}"


def _attempt_of(job: saq.Job, meta: TickMeta) -> dict[str, Any]:
    parts: dict[str, Any] = {"worker": job.worker_id} if job.worker_id else {}
    if isinstance(job, ClaimedJob) and job.clock is not None:
        # By the server's clock at the claim: that of this machine may be wrong.
        started, counter = job.clock
        parts["started"] = round(started, 3)
        parts["late"] = round(max(0.0, started - meta["nominal"]), 3)
        parts["duration"] = round(time.monotonic() - counter, 3)
    return parts
