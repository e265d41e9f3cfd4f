"""What listeners are told of: one class for each thing that happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent(Event):
    """Something that has happened to a job, in the hands of a worker of this process.

    Attributes:
        queue: The queue's name.
        id: The job's key: `JobHandle.id`.
        name: What the queue calls the `Job` class, or the function.
        attempt: Which attempt it is, from 1.
        worker: The worker's id.
        task: The schedule's name; None for what is no tick's job.
        tick: The nominal time of its tick, in UTC.
    """

    queue: str
    id: str
    name: str
    attempt: int
    worker: str
    task: str | None = None
    tick: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(JobEvent):
    """An attempt begins.

    Attributes:
        waited: Seconds for which the job could have been taken; None when it was tried
            before.
    """

    waited: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(JobEvent):
    """An attempt has ended, and the queue knows.

    Attributes:
        seconds: How long it took; None when it was cut off by its worker's death.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCompleted(JobEnded):
    """A job is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(JobEnded):
    """An attempt went wrong, and there will be another.

    Attributes:
        exception: The type of the error with its module.
        message: What it said.
        wait: Seconds until the next attempt.
    """

    exception: str | None
    message: str
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(JobEnded):
    """A job failed for good; it is kept among the failed jobs.

    Attributes:
        exception: The type of the error with its module; None when a worker died.
        message: What it said.
        traceback: Where it came from.
    """

    exception: str | None
    message: str
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReleased(JobEnded):
    """A job was given back without having spent a try.

    Attributes:
        reason: Why, as the job said; empty when its worker stopped.
        wait: Seconds until it may run again.
    """

    reason: str
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCanceled(JobEnded):
    """A job was canceled, or discarded by its own rules.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecovered(JobEvent):
    """A job was taken back from a worker that died; `worker` is that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickEvent(Event):
    """A tick, or several one after the other, did not run.

    Attributes:
        queue: The queue in which the task is scheduled.
        name: The schedule's name.
        tick: When it was due, in UTC; the first of several.
        until: The last of several; `tick` when it is one.
        count: How many ticks it is about.
        reason: Why.
    """

    queue: str
    name: str
    tick: datetime
    until: datetime
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickSkipped(TickEvent):
    """A tick was not to run: of a condition, a pause, or the run before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickMissed(TickEvent):
    """A tick should have run and did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueBusy(Event):
    """More waits in a queue than should, or for longer.

    Attributes:
        queue: The queue's name.
        queued: How many jobs wait for a worker.
        oldest: Seconds for which the next one has waited.
    """

    queue: str
    queued: int
    oldest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAway(Event):
    """The server does not answer, or takes nothing.

    Attributes:
        error: What was said.
    """

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisBack(Event):
    """The server answers again.

    Attributes:
        seconds: For how long it was away.
    """

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent(Event):
    """Something that has happened to a worker.

    Attributes:
        worker: Its id.
        queues: The names of its queues.
    """

    worker: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted(WorkerEvent):
    """A worker begins to work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStopped(WorkerEvent):
    """A worker has ended its work."""
