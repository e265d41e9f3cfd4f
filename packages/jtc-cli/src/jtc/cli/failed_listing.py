from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jtc.queue import FailedJob

# As much of an error as fits two lines of most terminals.
LONGEST_ERROR = 150


def describe_failed_jobs(jobs: Sequence[FailedJob], *, queue: str, total: int) -> str:
    """Return failed jobs in words for people: the id of each begins a line of its own.

    Args:
        jobs: Those to show.
        queue: The queue's name.
        total: How many the queue keeps.
    """
    if not total:
        return f"No failed jobs in queue {queue!r}."
    if not jobs:
        return f"None of the {total} failed job(s) in queue {queue!r} fits."
    lines = [line for job in jobs for line in _describe(job)]
    count = total if len(jobs) == total else f"{len(jobs)} of {total}"
    return "\n".join([*lines, "", f"Total: {count} failed job(s) in queue {queue!r}"])


def as_json_object(job: FailedJob) -> dict[str, Any]:
    """Return all that is known of a failed job, with times as ISO 8601 in UTC."""
    return {
        name: f"{value:%Y-%m-%dT%H:%M:%S.%fZ}" if isinstance(value, datetime) else value
        for name, value in asdict(job).items()
    }


def _describe(job: FailedJob) -> Iterator[str]:
    name = job.job_class or job.function or "no job"
    yield f"{job.id}  {job.failed_at:%Y-%m-%d %H:%M:%S}  {name}"
    yield f"    {_shorten(_error_of(job))}"


def _error_of(job: FailedJob) -> str:
    if job.raw is not None:
        return job.raw
    kind = (job.exception or "").rpartition(".")[2]
    text = ": ".join(filter(None, (kind, job.message))) or "no reason was stored"
    return f"{text} (try {job.attempts} of {job.tries})"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_ERROR else f"{line[:LONGEST_ERROR]}…"
