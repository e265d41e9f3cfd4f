"""What spans say of jobs, in the words of OpenTelemetry's conventions for messaging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import saq
from opentelemetry.util.types import AttributeValue

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.failed_job import subject_of
from jtc.queue.flow import flow_of
from jtc.queue.redis_queue import RedisQueue

Attributes = dict[str, AttributeValue]


def describe_creation(job: saq.Job, queue: str) -> Attributes:
    """Describe how a job is made that is sent later."""
    return _operation("create", queue) | _about([job]) | {_ID: job.key}


def describe_sending(
    queue: RedisQueue, jobs: saq.Job | Sequence[saq.Job], flow: str | None
) -> Attributes:
    """Describe a call that puts one job, or many, into a queue."""
    said = _operation("send", queue.name) | _server(queue)
    if isinstance(jobs, saq.Job):
        return said | _about([jobs]) | {_ID: jobs.key}
    if flow is not None:
        said[_CONVERSATION] = flow
    return said | _about(jobs) | {"messaging.batch.message_count": len(jobs)}


def describe_attempt(job: ClaimedJob) -> Attributes:
    """Describe an attempt, as far as it is known when it begins."""
    queue = job.get_queue()
    said = _operation("process", queue.name) | _server(queue)
    said |= {
        _ID: job.key,
        "messaging.client.id": job.worker_id or "",
        "jtc.job": subject_of(job),
        "jtc.attempt": job.attempt,
        "jtc.tries": job.retries,
    }
    if job.waited is not None:
        said["jtc.waited"] = job.waited
    if (flow := flow_of(job.key)) is not None:
        said[_CONVERSATION] = flow
    return said | _tick(job)


_ID = "messaging.message.id"
_CONVERSATION = "messaging.message.conversation_id"


def _operation(name: str, queue: str) -> Attributes:
    return {
        "messaging.system": "jtc",
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": queue,
    }


def _about(jobs: Sequence[saq.Job]) -> Attributes:
    """Say what runs, if it is the same for all jobs."""
    subjects = {subject_of(job) for job in jobs}
    return {"jtc.job": subjects.pop()} if len(subjects) == 1 else {}


def _server(queue: RedisQueue) -> Attributes:
    # A client that asks Sentinel where the server is knows of no address here.
    place = queue.redis.connection_pool.connection_kwargs
    said: Attributes = {}
    if address := place.get("host") or place.get("path"):
        said["server.address"] = address
    if port := place.get("port"):
        said["server.port"] = port
    return said


def _tick(job: ClaimedJob) -> Attributes:
    if (tick := job.tick) is None:
        return {}
    nominal = datetime.fromtimestamp(tick["nominal"], tz=UTC)
    return {
        "jtc.tick.name": tick["name"],
        "jtc.tick.nominal": nominal.isoformat(),
        "jtc.tick.kind": tick["kind"],
    }
