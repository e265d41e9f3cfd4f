from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import saq

from jtc.jobs.blocking import run_blocking
from jtc.jobs.dispatch_options import NO_OPTIONS, DispatchOptions
from jtc.jobs.enclosing import enclose
from jtc.jobs.errors import InvalidPayload
from jtc.jobs.handle import JobHandle
from jtc.jobs.manager import JobManager
from jtc.jobs.running import run_job

if TYPE_CHECKING:
    from jtc.jobs.job import Job

logger = logging.getLogger(__name__)

J = TypeVar("J", bound="Job")


@dataclass(frozen=True, slots=True)
class Dispatcher(Generic[J]):
    """Puts jobs of one class into the queue, with options of this dispatch.

    `SomeJob.configure(...)` makes one.
    """

    job_class: type[J]
    options: DispatchOptions = NO_OPTIONS

    @classmethod
    def of(cls, job_class: type[J], said: Mapping[str, Any]) -> Dispatcher[J]:
        """Return a dispatcher with the options `said` of this dispatch.

        Raises:
            InvalidOption: An option is unknown or its value is unusable.
        """
        return cls(job_class, DispatchOptions.of(job_class.__name__, said))

    async def dispatch(self, /, **payload: Any) -> JobHandle:
        """Put a job into the queue, as `Job.dispatch` does.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
            NotAJob: The class does not define `handle`.
        """
        job = enclose(self.job_class.__jtc__, payload, self.options)
        queue = JobManager.open_queue(self._queue_name)
        key = await queue.put(job)
        self._log(queue.name, 1)
        return JobHandle(key, queue.name, created=key == job.key)

    async def dispatch_if(
        self, condition: object, /, **payload: Any
    ) -> JobHandle | None:
        """Put a job into the queue if `condition` is true; return None if not.

        Raises:
            InvalidPayload: As `dispatch`, also when the condition is false.
            NotAJob: The class does not define `handle`.
        """
        if condition:
            return await self.dispatch(**payload)
        enclose(self.job_class.__jtc__, payload, self.options)
        return None

    async def dispatch_many(
        self, payloads: Iterable[Mapping[str, Any] | J], /
    ) -> list[JobHandle]:
        """Put many jobs into the queue; all are checked before the first is added.

        Raises:
            InvalidPayload: As `dispatch`, with the position of the payload.
            NotAJob: The class does not define `handle`.
        """
        jobs = [self._enclose_at(at, one) for at, one in enumerate(payloads)]
        queue = JobManager.open_queue(self._queue_name)
        keys = await queue.put_many(jobs)
        self._log(queue.name, len(jobs))
        return [
            JobHandle(key, queue.name, created=key == job.key)
            for job, key in zip(jobs, keys, strict=True)
        ]

    async def dispatch_sync(self, /, **payload: Any) -> Any:
        """Run a job here and now, with its services, and return its result.

        The payload goes through JSON as on its way to a worker. It is tried once.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
            NotAJob: The class does not define `handle`.
            Exception: Whatever the job raised.
        """
        definition = self.job_class.__jtc__
        definition.check_runnable()
        encoded = definition.payload.encode(payload)
        return await run_job(self.job_class, encoded, {})

    def dispatch_blocking(self, /, **payload: Any) -> JobHandle:
        """Put a job into the queue from synchronous code, in any thread.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
            NotAJob: The class does not define `handle`.
            RuntimeError: An event loop runs in this thread; await `dispatch` there.
        """
        return run_blocking(self.dispatch, **payload)

    @property
    def _queue_name(self) -> str | None:
        return self.options.queue or self.job_class.__jtc__.options.queue

    def _enclose_at(self, position: int, one: Mapping[str, Any] | J) -> saq.Job:
        try:
            payload = self._payload_in(one)
            return enclose(self.job_class.__jtc__, payload, self.options)
        except InvalidPayload as error:
            error.add_note(f"It was payload {position} of the batch, counted from 0.")
            raise

    def _payload_in(self, one: Mapping[str, Any] | J) -> Mapping[str, Any]:
        if isinstance(one, Mapping):
            return one
        if type(one) is self.job_class:
            return one.__jtc__.payload_in(one)
        why = f"expected a job of this class or a mapping with its payload, got {one!r}"
        raise InvalidPayload(self.job_class.__name__, "", why)

    def _log(self, queue_name: str, count: int) -> None:
        logger.debug(
            "Dispatched %d %s to queue '%s'.",
            count,
            self.job_class.__name__,
            queue_name,
            extra={
                "action": "job_dispatched",
                "job_class": self.job_class.__jtc__.name,
            },
        )
