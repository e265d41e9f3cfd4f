from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from jtc.cli.durations import describe_age, describe_seconds
from jtc.queue import RunningJob, WorkerStatus

MEANING = {
    "working": "",
    "stopping": " (stopping)",
    "silent": " (silent: its event loop does not turn)",
    "gone": " (gone: its lease has run out)",
}


def describe_workers(
    workers: Sequence[WorkerStatus], *, queue: str, now: datetime
) -> str:
    """Return the workers of a queue in words for people.

    Args:
        workers: Those at the queue.
        queue: Its name.
        now: The server's clock.
    """
    if not workers:
        return f"No workers at queue '{queue}'."
    lines = [line for worker in workers for line in _describe(worker, now)]
    live = sum(worker.state != "gone" for worker in workers)
    return "\n".join([*lines, "", f"Total: {live} live worker(s) at queue '{queue}'"])


def _describe(worker: WorkerStatus, now: datetime) -> Iterator[str]:
    yield f"{worker.id}{MEANING[worker.state]}"
    yield f"    {', '.join(_times(worker, now))}"
    if worker.pid:
        yield f"    pid {worker.pid} on {worker.host}, jtc-queue {worker.version}"
    if worker.queues:
        running = f"{worker.running} of {worker.concurrency} slots taken"
        yield f"    queues {worker.queues}: {running}"
    for job in worker.jobs:
        yield f"    runs {job.id}{_describe_job(job, now)}"


def _times(worker: WorkerStatus, now: datetime) -> Iterator[str]:
    if worker.started:
        yield f"started {describe_age(worker.started, now=now)}"
    if worker.seen:
        yield f"last seen {describe_age(worker.seen, now=now)}"


def _describe_job(job: RunningJob, now: datetime) -> str:
    if job.started is None:
        return f"  {job.name}"
    seconds = max(0, int((now - job.started).total_seconds()))
    return f"  {job.name}, for {describe_seconds(seconds)}"
