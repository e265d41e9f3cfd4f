from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import saq

from jtc.queue.duration import LONGEST, as_seconds
from jtc.queue.errors import InvalidBackoff, TooLateToRetry
from jtc.queue.exponential import Exponential

Backoff = float | tuple[float, ...] | Exponential
"""Seconds before each next try: always the same, one by one, or growing."""

# Where a job keeps its policy in `meta`.
META = "jtc_retry"
# What SAQ's retry_backoff starts from when there is no retry_delay: not 0 seconds.
FIRST_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed job is tried again.

    Attributes:
        backoff: Seconds between a failed try and the next; the last of a list repeats.
        until: Seconds after the job was enqueued; later, no further try begins.
    """

    backoff: Backoff = 0
    until: float | None = None

    def delay(self, failures: int, *, chance: float) -> float:
        """Return the seconds between a failed try and the next.

        Args:
            failures: How many tries have failed by now, from 1.
            chance: The random part, from 0 to 1.

        Example:
            >>> waits = RetryPolicy((1, 5, 30))
            >>> [waits.delay(failures, chance=0.5) for failures in (1, 2, 3, 4)]
            [1, 5, 30, 30]
        """
        if isinstance(self.backoff, Exponential):
            return self.backoff.delay(failures, chance=chance)
        if isinstance(self.backoff, tuple):
            return self.backoff[min(max(failures, 1), len(self.backoff)) - 1]
        return self.backoff

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of `saq.Job` that carry it: SAQ's own where that has one.

        Example:
            >>> RetryPolicy(30).as_fields()
            {'retry_delay': 30, 'meta': {}}
            >>> RetryPolicy((1, 5), until=60).as_fields()
            {'retry_delay': 0, 'meta': {'jtc_retry': {'backoff': [1, 5], 'until': 60}}}
        """
        parts: dict[str, Any] = {}
        if isinstance(self.backoff, Exponential):
            parts["backoff"] = asdict(self.backoff)
        elif isinstance(self.backoff, tuple):
            parts["backoff"] = list(self.backoff)
        if self.until is not None:
            parts["until"] = self.until
        delay = 0 if "backoff" in parts else self.backoff
        return {"retry_delay": delay, "meta": {META: parts} if parts else {}}


def read_policy(job: saq.Job) -> RetryPolicy:
    """Return a job's policy: from its `meta`, else from SAQ's fields.

    `retry_backoff` without `retry_delay` starts at a second: SAQ would try again at
    once, as often as there are tries.
    """
    parts = _parts_of(job)
    backoff = _read_backoff(parts.get("backoff"))
    return RetryPolicy(
        _saq_backoff(job) if backoff is None else backoff,
        as_seconds(parts.get("until")),
    )


def next_delay(job: saq.Job) -> float:
    """Return the seconds between the failed try of a job and the next."""
    return read_policy(job).delay(job.attempts, chance=random.random())  # noqa: S311 - no secret


def check_time_to_retry(job: saq.Job, *, now: float) -> None:
    """Refuse to begin a try, other than the first, for which it is too late.

    Args:
        job: The job, this attempt counted.
        now: The time in epoch seconds.

    Raises:
        TooLateToRetry: The time for tries is over.
    """
    if job.attempts <= 1:
        return
    policy = read_policy(job)
    if policy.until and is_too_late(job, policy, at=now):
        lines = (job.error or "").strip().splitlines()
        raise TooLateToRetry(policy.until, lines[-1] if lines else "no reason")


def is_too_late(job: saq.Job, policy: RetryPolicy, *, at: float) -> bool:
    """Tell whether a further try may not begin any more at a time in epoch seconds."""
    if policy.until is None or not isinstance(job.queued, int | float):
        return False
    return 0 < job.queued < (at - policy.until) * 1000


def _parts_of(job: saq.Job) -> Mapping[str, Any]:
    # A job's meta is its owner's, who may make something else of it.
    found = job.meta.get(META) if isinstance(job.meta, dict) else None
    return found if isinstance(found, dict) else {}


def _read_backoff(value: Any) -> Backoff | None:
    if isinstance(value, list):
        waits = [wait for wait in map(as_seconds, value) if wait is not None]
        return tuple(waits) if waits else None
    if isinstance(value, dict):
        try:
            return Exponential(**value)
        except (TypeError, InvalidBackoff):
            return None
    return None


def _saq_backoff(job: saq.Job) -> Backoff:
    delay = as_seconds(job.retry_delay) or 0
    limit = LONGEST if job.retry_backoff is True else as_seconds(job.retry_backoff)
    return Exponential(delay or FIRST_DELAY, cap=limit) if limit else delay
