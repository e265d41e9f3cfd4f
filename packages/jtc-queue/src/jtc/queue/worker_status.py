from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jtc.queue.codec import decode
from jtc.queue.running_job import RunningJob
from jtc.queue.wall_clock import moment_of

KEPT = 60
"""Seconds for which a worker that says nothing more is still shown."""
SILENT_AFTER = 12.0
"""Seconds after which a worker that says nothing does not turn its event loop."""

# In its report; SAQ's own fields are beside it.
OURS = "jtc"

State = Literal["working", "stopping", "silent", "gone"]


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker at a queue, as it and its lease say it is.

    What is None or "" a worker of plain SAQ does not say, or one that has just begun.

    Attributes:
        id: The worker's id.
        state: `working`; `stopping`, it takes no more jobs; `silent`, it lives, but its
            event loop does not turn; `gone`, its lease has run out.
        host: The machine's name.
        pid: The process.
        version: That of jtc-queue.
        queues: Its queues, as `QueueOrder` writes them.
        concurrency: How many jobs it runs at once.
        running: How many it ran when it said so last, from all its queues.
        jobs: Those of this queue that it has in hand now.
        started: When it began, in UTC, by the server's clock.
        reported: When it said last how it is.
        seen: The last sign of life: that, or the renewal of its lease.
        looked: Seconds since it had asked what ticks are due, when it reported; None if
            it fires none.
    """

    id: str
    state: State
    host: str
    pid: int | None
    version: str
    queues: str
    concurrency: int | None
    running: int | None
    jobs: tuple[RunningJob, ...]
    started: datetime | None
    reported: datetime | None
    seen: datetime | None
    looked: float | None


@dataclass(frozen=True, slots=True)
class Signs:
    """What Redis holds of a worker.

    Attributes:
        report: What it said of itself; None when that is forgotten.
        reported: When, in epoch milliseconds.
        renewed: When it renewed its lease last.
        is_alive: Whether the lease holds.
        jobs: What it has in hand.
    """

    report: bytes | None = None
    reported: float | None = None
    renewed: float | None = None
    is_alive: bool = False
    jobs: tuple[RunningJob, ...] = ()


def read_worker_status(worker: str, signs: Signs, *, now: float) -> WorkerStatus:
    """Return how a worker is.

    Args:
        worker: Its id.
        signs: What is known of it.
        now: The server's clock in epoch milliseconds.
    """
    said = _read(signs.report)
    times = [time for time in (signs.reported, signs.renewed) if time is not None]
    return WorkerStatus(
        id=worker,
        state=_state(signs, said, now=now),
        host=str(said.get("host", "")),
        pid=said.get("pid"),
        version=str(said.get("version", "")),
        queues=str(said.get("queues", "")),
        concurrency=said.get("concurrency"),
        running=said.get("running"),
        jobs=signs.jobs,
        started=moment_of(said.get("started")),
        reported=moment_of(signs.reported),
        seen=moment_of(max(times)) if times else None,
        looked=said.get("looked"),
    )


def _state(signs: Signs, said: Mapping[str, Any], *, now: float) -> State:
    if not signs.is_alive:
        return "gone"
    reported = signs.reported
    if reported is not None and now - reported > SILENT_AFTER * 1000:
        return "silent"
    return "stopping" if said.get("is_stopping") else "working"


def _read(report: bytes | None) -> Mapping[str, Any]:
    try:
        said = decode(report or b"{}").get(OURS)
    except (ValueError, AttributeError):
        return {}
    return said if isinstance(said, dict) else {}
