from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import saq

from jtc.queue.claimed_job import read_claimed_job
from jtc.queue.failed_job import call_of, key_of
from jtc.queue.failure import read_failure
from jtc.queue.flow import flow_of
from jtc.queue.job_moment import JobMoment
from jtc.queue.job_timeline import timeline_of
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.tick import tick_meta_of
from jtc.queue.unique_key import read_unique_key
from jtc.queue.wall_clock import moment_of

State = Literal[
    "waiting", "delayed", "running", "complete", "failed", "aborted", "unreadable"
]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """All that a queue knows of one job. Times are in UTC.

    Attributes:
        id: The job's key: `JobHandle.id`.
        queue: The queue's name.
        state: Where it stands; `unreadable` is what is no job of this queue.
        function: What workers run; None for what is no job.
        job_class: What the queue calls the `Job` class; None for a plain function.
        payload: The payload of a `Job`, the arguments of a plain function; fields that
            are marked `Secret` are masked.
        attempts: How often it was tried.
        tries: How often it may be tried.
        timeout: Seconds that an attempt may take; 0 is no limit.
        queued_at: When it was enqueued.
        due_at: When a delayed one goes into the queue.
        started_at: When the last attempt began.
        ended_at: When it ended.
        failed_at: When it failed for good, by the server's clock.
        worker: Who runs it, or ran it last.
        canceling: Why its worker was asked to stop it; None if it was not.
        progress: How far it has come, from 0 to 1.
        tags: Its tags.
        tick: Name and nominal time of the tick that it runs; None if it runs none.
        exception: The type of the error that it failed with.
        error: The traceback, or why it was aborted.
        result: What it returned.
        raw: The text of what is no job; None for a job.
        flow: The batch or chain that it is in or follows; None if there is none.
        unique: What only one job in the queue may have; None if there is no such thing.
        timeline: What has become of it, in the order in which it did, as far as that is
            kept.
    """

    id: str
    queue: str
    state: State
    function: str | None = None
    job_class: str | None = None
    payload: Mapping[str, Any] | None = None
    attempts: int = 0
    tries: int = 0
    timeout: float = 0
    queued_at: datetime | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failed_at: datetime | None = None
    worker: str | None = None
    canceling: str | None = None
    progress: float = 0.0
    tags: Sequence[str] = ()
    tick: tuple[str, datetime] | None = None
    exception: str | None = None
    error: str | None = None
    result: Any = None
    raw: str | None = None
    flow: str | None = None
    unique: str | None = None
    timeline: Sequence[JobMoment] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """What Redis holds of a job beside its document.

    Attributes:
        claim: The claim by which a worker holds it.
        score: 0 while it waits or runs, when a delayed one is due; None once it ended.
        failed: When it failed, in epoch seconds.
        note: Why it is to be stopped.
    """

    claim: bytes | None = None
    score: float | None = None
    failed: float | None = None
    note: bytes | None = None


async def find_job(queue: RedisQueue, key: str) -> JobRecord | None:
    """Ask in one call for all that a queue knows of a job.

    Args:
        queue: The queue.
        key: The job's key, or its key in Redis.

    Returns:
        None when the queue keeps nothing about it.
    """
    key = key_of(queue, key)
    # What is no job of this queue may have any key in Redis.
    for job_id in (queue.job_id(key), key):
        async with queue.redis.pipeline(transaction=True) as pipe:
            pipe.get(job_id)
            pipe.hget(queue.keys.claims, job_id)
            pipe.zscore(queue.keys.incomplete, job_id)
            pipe.zscore(queue.keys.failed, job_id)
            pipe.hget(queue.keys.cancels, job_id)
            # What has such a key and is no text is no job either.
            document, *rest = await pipe.execute(raise_on_error=False)
        traces = Traces(*rest)
        is_ours = job_id != key or traces != Traces()
        if isinstance(document, bytes) and is_ours:
            return _read(queue, key, document, traces)
    return None


async def read_jobs(
    queue: RedisQueue, job_ids: Sequence[str]
) -> Sequence[JobRecord | None]:
    """Ask in one call for all that a queue knows of several jobs.

    Args:
        queue: The queue.
        job_ids: Their keys in Redis.

    Returns:
        None for what the queue has no document of.
    """
    if not job_ids:
        return []
    async with queue.redis.pipeline(transaction=True) as pipe:
        pipe.mget(job_ids)
        pipe.hmget(queue.keys.claims, list(job_ids))
        pipe.zmscore(queue.keys.incomplete, list(job_ids))
        pipe.zmscore(queue.keys.failed, list(job_ids))
        pipe.hmget(queue.keys.cancels, list(job_ids))
        documents, *rest = await pipe.execute()
    traces = (Traces(*found) for found in zip(*rest, strict=True))
    return [
        None if document is None else _read(queue, key_of(queue, job_id), document, one)
        for job_id, document, one in zip(job_ids, documents, traces, strict=True)
    ]


def _read(queue: RedisQueue, key: str, document: bytes, traces: Traces) -> JobRecord:
    job = read_claimed_job(queue, document)
    failed_at = None if traces.failed is None else traces.failed * 1000
    if job is None:
        return JobRecord(
            id=key,
            queue=queue.name,
            state="unreadable",
            failed_at=moment_of(failed_at),
            raw=document.decode("utf-8", "backslashreplace"),
        )
    job_class, payload = call_of(job)
    state, worker = _state(job, traces), _worker(job, traces)
    canceling = traces.note.decode() if traces.note else None
    unique = read_unique_key(job.meta)
    timeline = timeline_of(
        job,
        worker=worker,
        is_running=state == "running",
        due=traces.score,
        canceling=canceling,
    )
    is_failed = state == "failed"
    return JobRecord(
        id=key,
        queue=queue.name,
        state=state,
        function=job.function,
        job_class=job_class,
        payload=payload,
        attempts=job.attempts,
        tries=job.retries,
        timeout=job.timeout or 0,
        queued_at=moment_of(job.queued),
        due_at=moment_of((traces.score or 0) * 1000),
        started_at=moment_of(job.started),
        ended_at=moment_of(job.completed),
        failed_at=moment_of(failed_at) if is_failed else None,
        worker=worker,
        canceling=canceling,
        progress=_progress(job),
        tags=_tags(job),
        tick=_tick(job),
        exception=read_failure(job.meta, job.error).exception if is_failed else None,
        error=job.error if isinstance(job.error, str) else None,
        result=job.result,
        flow=flow_of(key),
        unique=None if unique is None else unique.key,
        timeline=tuple(timeline),
    )


def _state(job: saq.Job, traces: Traces) -> State:
    if traces.claim is not None:
        return "running"
    if traces.score is not None:
        return "delayed" if traces.score > 0 else "waiting"
    ended: dict[str, State] = {
        "complete": "complete",
        "failed": "failed",
        "aborted": "aborted",
        "aborting": "aborted",
    }
    return ended.get(job.status, "waiting")


def _worker(job: saq.Job, traces: Traces) -> str | None:
    if traces.claim is not None:
        return traces.claim.decode().split()[0]
    return job.worker_id if isinstance(job.worker_id, str) else None


def _progress(job: saq.Job) -> float:
    told: object = job.progress
    is_number = isinstance(told, int | float) and math.isfinite(told)
    return float(job.progress) if is_number else 0.0


def _tags(job: saq.Job) -> tuple[str, ...]:
    tags = job.meta.get("tags")
    return tuple(map(str, tags)) if isinstance(tags, list) else ()


def _tick(job: saq.Job) -> tuple[str, datetime] | None:
    meta = tick_meta_of(job.meta)
    if meta is None:
        return None
    return meta["name"], datetime.fromtimestamp(meta["nominal"], tz=UTC)
