from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import saq
from saq.job import Status

from jtc.queue.redis_queue import RedisQueue
from jtc.queue.retry_policy import RetryPolicy
from jtc.queue.secret_fields import secret_meta
from jtc.queue.target import Target
from jtc.queue.tick import Kind, tick_meta
from jtc.schedule import ScheduledTask, TaskOptions


def task_function_name(task: ScheduledTask) -> str:
    """Return the name under which a worker runs a task's function."""
    return Target("task", task.name).function


def tick_key(name: str, tick: datetime) -> str:
    """Return the key of the job that runs a tick.

    Example:
        >>> tick_key("report", datetime(2026, 3, 1, 9, tzinfo=UTC))
        'report@2026-03-01T09:00:00Z'
    """
    # As strftime writes it, in a tenth of the time.
    return f"{name}@{tick.astimezone(UTC).isoformat()[:19]}Z"


def tick_job(
    queue: RedisQueue,
    task: ScheduledTask,
    tick: datetime,
    *,
    now: float,
    kind: Kind = "ran",
    target: Target | None = None,
    key: str | None = None,
) -> saq.Job:
    """Make the job that runs a tick; it is not enqueued.

    Args:
        queue: The queue in which the schedule is.
        task: The schedule: its name, and how its jobs run.
        tick: The nominal time.
        now: The server's clock in epoch seconds.
        kind: The outcome that it will be recorded as.
        target: What it runs; the task's own function unless given.
        key: The job's key, for a run that takes no tick's place and counts for none of
            `max_runs`; that of the tick unless given.
    """
    target = target or Target.of_task(task)
    options = task.options
    fields = _retry_policy(options).as_fields()
    counted = options.max_runs is not None and key is None
    meta = {
        "tick": tick_meta(task.name, _seconds(tick), kind=kind, counted=counted),
        **secret_meta(target.secret, options.payload or {}),
    }
    return saq.Job(
        function=target.function,
        kwargs=_kwargs(target, options.payload),
        key=key or tick_key(task.name, tick),
        queue=queue,
        timeout=math.ceil(options.timeout),
        retries=options.tries,
        status=Status.QUEUED,
        queued=int(now * 1000),
        **{**fields, "meta": {**fields["meta"], **meta}},
    )


def _kwargs(target: Target, payload: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if target.kind == "job":
        # One key: spread, it would collide with the arguments of the runner.
        return {"job_class": target.name, "payload": dict(payload or {})}
    return dict(payload) if payload else None


def _retry_policy(options: TaskOptions) -> RetryPolicy:
    backoff = options.backoff
    return RetryPolicy(tuple(backoff) if isinstance(backoff, Sequence) else backoff)


def _seconds(moment: datetime) -> float:
    """Return epoch seconds, without a fraction where there is none."""
    seconds = round(moment.timestamp(), 3)
    return int(seconds) if seconds == int(seconds) else seconds
