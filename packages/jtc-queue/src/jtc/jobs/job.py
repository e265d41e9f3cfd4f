from __future__ import annotations

import logging
import math
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Unpack

import saq

from jtc.jobs.definition import JobDefinition
from jtc.jobs.errors import InvalidPayload
from jtc.jobs.handle import JobHandle
from jtc.jobs.manager import JobManager
from jtc.jobs.options import JobKeywords, JobOptions
from jtc.jobs.registry import known_jobs

logger = logging.getLogger(__name__)

# The one function that workers know for every class of jobs.
RUNNER = "runner"


class Job(ABC):
    """Work that is dispatched now and done by a worker.

    Annotated attributes are the payload: checked when a job is dispatched and again
    when it runs, and set after `__init__`. A class that has none takes any JSON. The
    parameters of `__init__` are services, which the container resolves by type. The
    class keywords are those of `JobOptions`.

    Example:
        >>> class SendInvoice(Job, queue="mail", tries=5, backoff=2.0):
        ...     order_id: int
        ...
        ...     async def handle(self) -> None:
        ...         print("invoice", self.order_id)
        >>> async def on_order() -> None:
        ...     handle = await SendInvoice.dispatch(order_id=7)
    """

    __jtc__: ClassVar[JobDefinition]

    def __init_subclass__(cls, **keywords: Unpack[JobKeywords]) -> None:
        """Define the class and make it known.

        Raises:
            InvalidOption: A keyword is unknown or its value is unusable.
            InvalidDeclaration: A payload field would hide a method.
            DuplicateJobName: Another class has this name.
        """
        super().__init_subclass__()
        cls.__jtc__ = JobDefinition.of(cls, keywords)
        known_jobs.add(cls)

    @abstractmethod
    def handle(self) -> Any:
        """Do the work: `async def`, or `def`, which runs in a thread."""

    async def failed(self, exception: Exception) -> None:  # noqa: B027 - optional
        """React to the failure of the last try; nothing unless overridden."""

    @classmethod
    async def dispatch(cls, /, **payload: Any) -> JobHandle:
        """Put a job into the queue; the queue is opened from the settings if needed.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
            NotAJob: The class does not define `handle`.
        """
        job = _enclose(cls, payload)
        queue = JobManager.open_queue(cls.__jtc__.options.queue)
        added = await queue.enqueue(job)
        _log_dispatch(cls, queue.name, 1)
        return JobHandle(job.key, queue.name, created=added is not None)

    @classmethod
    async def dispatch_many(
        cls, payloads: Iterable[Mapping[str, Any]], /
    ) -> list[JobHandle]:
        """Put many jobs into the queue; all are checked before the first is added.

        Raises:
            InvalidPayload: As `dispatch`, with the position of the payload.
            NotAJob: The class does not define `handle`.
        """
        jobs = [
            _enclose_at(cls, position, one) for position, one in enumerate(payloads)
        ]
        queue = JobManager.open_queue(cls.__jtc__.options.queue)
        added = await queue.enqueue_many(jobs)
        _log_dispatch(cls, queue.name, len(jobs))
        return [
            JobHandle(job.key, queue.name, created=created)
            for job, created in zip(jobs, added, strict=True)
        ]


Job.__jtc__ = JobDefinition(
    Job,  # type: ignore[type-abstract]  # described here, never instantiated
    "jtc.jobs.Job",
    JobOptions(),
)


def _enclose(job_class: type[Job], payload: Mapping[str, Any]) -> saq.Job:
    definition = job_class.__jtc__
    definition.check_runnable()
    options = definition.options
    return saq.Job(
        function=RUNNER,
        # One key: spread, it would collide with the fields of saq.Job.
        kwargs={
            "job_class": definition.name,
            "payload": definition.payload.encode(payload),
        },
        key=str(uuid.uuid4()),
        timeout=math.ceil(options.timeout),
        retries=options.tries,
        # SAQ keeps a result for ever when the time is 0, and none when it is below.
        ttl=options.result_ttl or -1,
        **options.retry_policy.as_fields(),
    )


def _enclose_at(
    job_class: type[Job], position: int, payload: Mapping[str, Any]
) -> saq.Job:
    try:
        return _enclose(job_class, payload)
    except InvalidPayload as error:
        error.add_note(f"It was payload {position} of the batch, counted from 0.")
        raise


def _log_dispatch(job_class: type[Job], queue_name: str, count: int) -> None:
    logger.debug(
        "Dispatched %d %s to queue '%s'.",
        count,
        job_class.__name__,
        queue_name,
        extra={"action": "job_dispatched", "job_class": job_class.__jtc__.name},
    )
