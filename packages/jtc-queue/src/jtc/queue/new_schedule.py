"""What is said of a schedule made at run time becomes a task and a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jtc.queue.definition import Definition, not_here
from jtc.queue.errors import InvalidSchedule
from jtc.queue.job_class import JobClass
from jtc.queue.target import Target
from jtc.schedule import InvalidCronExpression, InvalidInterval, ScheduledTask
from jtc.schedule.fitting import has_timezone
from jtc.schedule.function import TaskFunction
from jtc.schedule.options import NO_OPTIONS
from jtc.schedule.overlap_warning import warn_of_overlap

# How a run runs is up to what is run, unless the schedule says otherwise.
_TAKEN_OVER = ("timeout", "tries", "backoff")
_NO_OPTIONS = ("name", "cron", "every", "task", "job", "description")


@dataclass(frozen=True, slots=True)
class Aim:
    """A target, and what follows from it for the options of a schedule.

    Attributes:
        target: What is run.
        options: What holds unless the schedule says otherwise.
        func: The function, if it is one that is known here.
        job_class: The class, if it is one that is known here.
    """

    target: Target
    options: Mapping[str, Any]
    func: TaskFunction = not_here
    job_class: JobClass | None = None

    def payload(self, values: Any) -> Any:
        """Return a payload as the queue carries it, checked by the class if known.

        Raises:
            InvalidPayload: It is not what the class declares; from `jtc.jobs`.
        """
        if self.job_class is None or not isinstance(values, Mapping | None):
            return values
        return self.job_class.__jtc__.payload.encode(values or {})


def aim_at_task(definition: Definition) -> Aim:
    """Aim at the function of a task in code."""
    task = definition.task
    options = {**_taken_over(task.options), "payload": task.options.payload}
    return Aim(definition.target, options, task.func)


def aim_at_job(job: JobClass | str) -> Aim:
    """Aim at a `Job` class; given by its name, nothing of it is known here.

    Raises:
        NotAJob: The class does not define `handle`; from `jtc.jobs`.
    """
    if isinstance(job, str):
        return Aim(Target("job", job), {})
    definition = job.__jtc__
    definition.check_runnable()
    options = {**_taken_over(definition.options), "queue": definition.options.queue}
    target = Target("job", definition.name, definition.payload.secret)
    return Aim(target, options, job_class=job)


def define(aim: Aim, said: Mapping[str, Any], *, timezone: str) -> Definition:
    """Put a new schedule together.

    Args:
        aim: What it runs.
        said: What `Schedules.add` takes, the name too.
        timezone: The zone in which it is read if it names none.

    Raises:
        InvalidSchedule: Not exactly one of `cron` and `every` was given.
        ScheduleError: As a decorator raises it.
    """
    name, schedule = said.get("name"), _schedule_in(said)
    if name is None:
        raise InvalidSchedule(name, "give it a name")
    if schedule is None:
        problem = "give either cron= or every=, as in cron='0 9 * * *' or every=60"
        raise InvalidSchedule(name, problem)
    options = {**aim.options, **_options_in(said)}
    options["payload"] = aim.payload(options.get("payload"))
    if options.get("timezone") is None and _has_timezone(schedule, options):
        # Before there is a task: very many are made like this, each is checked once.
        options["timezone"] = timezone
    task = ScheduledTask(
        aim.func, schedule, name, said.get("description") or "", **options
    )
    warn_of_overlap(task.schedule, task.options, said)
    return Definition(task, aim.target, in_code=False)


def redefine(
    before: Definition, aim: Aim | None, said: Mapping[str, Any]
) -> Definition:
    """Put a schedule together from what it was and what is said anew.

    Args:
        before: What it was.
        aim: What it runs from now on; the same unless given.
        said: What `Schedules.update` was given.

    Raises:
        InvalidSchedule: Both `cron` and `every` were given.
        ScheduleError: As a decorator raises it.
    """
    task, schedule = before.task, _schedule_in(said)
    options = _options_in(said)
    if aim is not None:
        payload = options.get("payload", task.options.payload)
        options = {**options, "payload": aim.payload(payload)}
    changed = ScheduledTask(
        not_here if aim is None else aim.func,
        task.schedule if schedule is None else schedule,
        task.name,
        said.get("description", task.description),
        options=task.options,
        **options,
    )
    target = before.target if aim is None else aim.target
    return Definition(changed, target, in_code=False)


def _schedule_in(said: Mapping[str, Any]) -> str | int | timedelta | None:
    cron, every = said.get("cron"), said.get("every")
    if cron is not None and every is not None:
        raise InvalidSchedule(said.get("name"), "give either cron= or every=, not both")
    if cron is not None and not isinstance(cron, str):
        raise InvalidCronExpression(cron, "give a string such as '0 * * * *'")
    if isinstance(every, str):
        raise InvalidInterval(every, "is text; a cron expression goes to cron=")
    return every if cron is None else cron


def _has_timezone(schedule: Any, options: Mapping[str, Any]) -> bool:
    return has_timezone(schedule, NO_OPTIONS.derive(options))


def _options_in(said: Mapping[str, Any]) -> Any:
    return {key: value for key, value in said.items() if key not in _NO_OPTIONS}


def _taken_over(options: Any) -> Mapping[str, Any]:
    return {option: getattr(options, option) for option in _TAKEN_OVER}
