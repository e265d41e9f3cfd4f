from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jtc.jobs.errors import NotAJob
from jtc.jobs.job import Job
from jtc.jobs.job_function import JobFunction
from jtc.jobs.options import JobOptions
from jtc.schedule import OptionKeywords, ScheduledTask, ScheduleRegistry
from jtc.schedule.declaration import Declaration
from jtc.schedule.decorators import Decorators
from jtc.schedule.function import first_paragraph
from jtc.schedule.group import group_defaults
from jtc.schedule.sentences import Sentences

_CLASS_OPTIONS = ("queue", "timeout", "tries", "backoff")
_DEFAULTS = JobOptions()


@dataclass(frozen=True, slots=True)
class JobSentences(Sentences[ScheduledTask]):
    """The sentences about a job; each registers it as a task and returns the task."""

    job_class: type[Job]
    payload: Mapping[str, Any] | None = None
    name: str | None = None
    description: str | None = None

    def _declare(
        self,
        schedule: str | int,
        name: str | None,
        description: str | None,
        options: OptionKeywords,
    ) -> ScheduledTask:
        about = first_paragraph(self.job_class)
        declaration = Declaration.of(
            schedule,
            _first(name, self.name, _short_name(self.job_class)),
            _first(description, self.description, about),
            {**options, "payload": self._encode(options)},
            defaults=_class_options(self.job_class),
        )
        task = declaration.task_for(JobFunction(self.job_class))
        ScheduleRegistry.register(task)
        return task

    def _encode(self, options: OptionKeywords) -> dict[str, Any] | None:
        payload = _first(
            options.get("payload"), self.payload, group_defaults().get("payload"), {}
        )
        return self.job_class.__jtc__.payload.encode(payload) or None


class JobDecorators(Decorators):
    """`jtc.schedule.Schedule`, and `job` beside it."""

    def job(
        self,
        job_class: type[Job],
        *,
        payload: Mapping[str, Any] | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> JobSentences:
        """Say what runs; the sentence that follows says when, and registers the task.

        `queue`, `timeout`, `tries` and `backoff` are those of the class unless a group
        or the sentence says otherwise, and `retry_on` and `discard_on` hold as well.
        `retry_until` and `result_ttl` don't: they count from a dispatch.

        Args:
            job_class: What runs.
            payload: As `job_class.dispatch` takes it.
            name: That of the class unless given.
            description: The first paragraph of its docstring unless given.

        Raises:
            NotAJob: It is no `Job` subclass that defines `handle`.

        Example:
            >>> class SendDigest(Job, tries=3):
            ...     region: str
            ...     async def handle(self) -> str:
            ...         return f"sent to {self.region}"
            >>> with ScheduleRegistry.scoped():
            ...     digest = Schedule.job(SendDigest, payload={"region": "eu"})
            ...     task = digest.daily("02:00")
            >>> task
            <ScheduledTask SendDigest schedule=0 2 * * *>
            >>> task.options.tries, task.options.payload
            (3, {'region': 'eu'})
        """
        if not isinstance(job_class, type) or not issubclass(job_class, Job):
            raise NotAJob(repr(job_class), "is no subclass of Job")
        job_class.__jtc__.check_runnable()
        return JobSentences(job_class, payload, name, description)


Schedule = JobDecorators()


def _short_name(job_class: type[Job]) -> str:
    return job_class.__jtc__.options.name or job_class.__name__


def _class_options(job_class: type[Job]) -> dict[str, Any]:
    """Return what a class says of its jobs, as far as a task has a word for it."""
    options = job_class.__jtc__.options
    said = {option: getattr(options, option) for option in _CLASS_OPTIONS}
    return {k: v for k, v in said.items() if v != getattr(_DEFAULTS, k)}


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
