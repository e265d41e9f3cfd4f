from __future__ import annotations

import logging

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.failed_job import subject_of
from jtc.queue.job_fields import job_fields
from jtc.queue.measures import Outcome

logger = logging.getLogger(__name__)

# What an error has ended was told when it did, see `log_failure`.
_ACTIONS: dict[Outcome, str] = {
    "complete": "attempt_completed",
    "canceled": "attempt_canceled",
    "released": "attempt_released",
}


def log_end(job: ClaimedJob, outcome: Outcome) -> None:
    """Say, to who wants to know everything, that an attempt has ended."""
    if not logger.isEnabledFor(logging.DEBUG) or outcome not in _ACTIONS:
        return
    took = job.took or 0.0
    logger.debug(
        "Job %s (%s): attempt %d is %s after %.3f s.",
        job.key,
        subject_of(job),
        job.attempt,
        outcome,
        took,
        extra={
            "action": _ACTIONS[outcome],
            **job_fields(job),
            "duration": round(took, 6),
        },
    )
