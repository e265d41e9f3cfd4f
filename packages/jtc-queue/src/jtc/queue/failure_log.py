from __future__ import annotations

import logging
import time
from typing import Any

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.endings import times_put_off
from jtc.queue.errors import Retry, TickSkipped
from jtc.queue.failed_job import subject_of
from jtc.queue.failure import headline
from jtc.queue.job_fields import job_fields
from jtc.queue.secret_fields import veil_of
from jtc.queue.settlement import Kind
from jtc.queue.verdict import Verdict

logger = logging.getLogger(__name__)


def log_failure(
    job: ClaimedJob, error: BaseException, verdict: Verdict, kind: Kind
) -> None:
    """Say that an attempt ended with an error, and what becomes of its job.

    What the job asked for is no error: no traceback, and no more than INFO.

    Args:
        job: The job.
        error: What the attempt ended with.
        verdict: What was decided.
        kind: What the queue was told: what nobody can run fails in the end.
    """
    shown = veil_of(job).error(error)
    if verdict.kind == "release":
        # A thousand may wait for one limit, and each asks again and again.
        level = logging.INFO if times_put_off(job) == 1 else logging.DEBUG
        _say(level, "Released job %s (%s) for later: %s", job, shown, "put_off")
    elif kind == "release":
        _say(logging.WARNING, "Gave back job %s (%s): %s", job, shown, "release")
    elif isinstance(error, TickSkipped):
        _say(logging.INFO, "Skipped job %s (%s): %s", job, shown, "skip")
    elif verdict.kind == "discard":
        _say(logging.INFO, "Discarded job %s (%s): %s", job, shown, "discard")
    elif verdict.kind == "retry" and isinstance(error, Retry):
        text = "Job %s (%s) will be tried again, as it asked: %s"
        _say(logging.INFO, text, job, shown, "retry")
    else:
        _log_error(job, shown, is_over=kind == "failed")


def _say(
    level: int, text: str, job: ClaimedJob, error: BaseException, what: str
) -> None:
    logger.log(
        level,
        text,
        job.key,
        subject_of(job),
        error,
        extra={"action": f"attempt_{what}", **_fields(job)},
    )


def _log_error(job: ClaimedJob, error: BaseException, *, is_over: bool) -> None:
    logger.error(
        "Job %s (%s) %s after attempt %d of %d: %s",
        job.key,
        subject_of(job),
        "failed" if is_over else "will be tried again",
        job.attempts,
        job.retries,
        headline(error),
        exc_info=error,
        extra={
            "action": "attempt_failed" if is_over else "attempt_retry",
            **_fields(job),
        },
    )


def _fields(job: ClaimedJob) -> dict[str, Any]:
    fields = job_fields(job)
    if job.clock is not None:
        _, began = job.clock
        fields["duration"] = round(time.monotonic() - began, 6)
    return fields
