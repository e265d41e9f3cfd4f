from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import saq

from jtc.queue.errors import (
    Discard,
    Fail,
    NotRunnableHere,
    Release,
    Retry,
    ThreadStillRuns,
    TooLateToRetry,
)
from jtc.queue.retry_policy import is_too_late, read_policy
from jtc.queue.wall_clock import epoch_seconds

# Seconds; a job that is given back again and again must not keep a worker busy.
SHORTEST_RELEASE = 0.1

Errors = tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a job after an error.

    Attributes:
        kind: `retry`, `fail`, `discard`, `release`: given back without having spent a
            try, or `elsewhere`: another worker may run it.
        wait: Seconds before a retry, or until it may run again.
    """

    kind: Literal["retry", "fail", "discard", "release", "elsewhere"]
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class ErrorRules:
    """Which errors end a job although it has tries left.

    Attributes:
        retry_on: Only these are tried again; all are when it is None.
        discard_on: The job is given up without being a failure.
    """

    retry_on: Errors | None = None
    discard_on: Errors = ()


NO_RULES = ErrorRules()


def judge_now(
    job: saq.Job | None, error: BaseException, rules: ErrorRules = NO_RULES
) -> Verdict:
    """Decide as `judge` does, by this machine's clock and by chance."""
    return judge(job, error, rules, now=epoch_seconds(), chance=random.random())  # noqa: S311 - no secret


def judge(
    job: saq.Job | None,
    error: BaseException,
    rules: ErrorRules = NO_RULES,
    *,
    now: float,
    chance: float,
) -> Verdict:
    """Decide what becomes of a job whose attempt ended with an error.

    What the job asks for by raising `Retry`, `Release`, `Fail` or `Discard` comes
    before the rules; tries and time that are used up come before both.

    Args:
        job: The job, this attempt counted; None for one that is tried only once.
        error: What the attempt ended with.
        rules: What its class says about errors.
        now: The time in epoch seconds.
        chance: The random part of a back-off, from 0 to 1.
    """
    if isinstance(error, NotRunnableHere):
        return Verdict("elsewhere")
    if isinstance(error, Discard) or _is_in(rules.discard_on, error):
        return Verdict("discard")
    if isinstance(error, Release):
        return _judge_release(job, error, now=now)
    if job is None or not job.retryable or not _may_be_retried(error, rules):
        return Verdict("fail")
    policy = read_policy(job)
    wait = error.after if isinstance(error, Retry) else None
    if wait is None:
        wait = policy.delay(job.attempts, chance=chance)
    if is_too_late(job, policy, at=now + wait):
        return Verdict("fail")
    return Verdict("retry", wait)


def _judge_release(job: saq.Job | None, error: Release, *, now: float) -> Verdict:
    wait = max(error.after, SHORTEST_RELEASE)
    if job is not None and is_too_late(job, read_policy(job), at=now + wait):
        return Verdict("fail")
    return Verdict("release", wait)


def _is_in(errors: Errors, error: BaseException) -> bool:
    # Whoever discards every Exception still means what handle() asks for.
    return isinstance(error, errors) and not isinstance(error, Retry | Release | Fail)


def _may_be_retried(error: BaseException, rules: ErrorRules) -> bool:
    if isinstance(error, Fail | ThreadStillRuns | TooLateToRetry):
        return False
    if isinstance(error, Retry) or rules.retry_on is None:
        return True
    return isinstance(error, rules.retry_on)
