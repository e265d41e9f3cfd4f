from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import saq

from jtc.jobs import Job, known_jobs
from jtc.queue.secret_fields import MaskedDict, show_fields


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A job that was put into the queue.

    Attributes:
        id: The job's key in its queue.
        job_class: The class; None when it is known no more.
        name: What the class is called in the queue.
        payload: Its values, with their types and with defaults; secrets can be read,
            and are masked where it is printed.
        queue: The queue.
        due: When it may run, in UTC; None for at once.
        tags: Its words.
    """

    id: str
    job_class: type[Job] | None
    name: str
    payload: Mapping[str, Any]
    queue: str
    due: datetime | None = None
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        values = show_fields(self.payload, _secret_in(self.job_class))
        short = self.job_class.__name__ if self.job_class else self.name
        due = f", due {self.due.isoformat()}" if self.due else ""
        return f"{short}({values}) in queue '{self.queue}'{due}"


def read_dispatched(job: saq.Job, queue: str, now: datetime) -> Dispatched:
    """Return what a document of the queue says of a job that is dispatched now."""
    kwargs, meta = job.kwargs or {}, job.meta or {}
    name, payload = kwargs["job_class"], kwargs["payload"]
    job_class = known_jobs.get(name)
    if job_class is not None:
        payload = dict(job_class.__jtc__.payload.decode(payload))
    if secret := _secret_in(job_class):
        payload = MaskedDict(payload, secret)
    return Dispatched(
        id=job.key,
        job_class=job_class,
        name=name,
        payload=payload,
        queue=queue,
        due=_due(job, meta.get("delay"), now),
        tags=tuple(meta.get("tags", ())),
    )


def _secret_in(job_class: type[Job] | None) -> tuple[str, ...]:
    return () if job_class is None else job_class.__jtc__.payload.secret


def _due(job: saq.Job, delay: float | None, now: datetime) -> datetime | None:
    if delay:
        return now + timedelta(seconds=delay)
    return datetime.fromtimestamp(job.scheduled, UTC) if job.scheduled else None
