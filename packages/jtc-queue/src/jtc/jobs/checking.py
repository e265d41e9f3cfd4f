from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jtc.jobs.declaration import constructor_services
from jtc.jobs.errors import InvalidDeclaration
from jtc.schedule import InvalidTask, ScheduledTask
from jtc.schedule.services import TaskServices

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.jobs.scope import Scope


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about a job or a task without running anything of it.

    Attributes:
        kind: Which of the two it is.
        name: What it is called.
        problems: Why it could not run; none if it could.
        was_seen_through: Whether the container let itself be looked into; where it did
            not, its services may fail yet.
    """

    kind: Literal["job", "task"]
    name: str
    problems: tuple[str, ...] = ()
    was_seen_through: bool = True


def check_job(job_class: type[Job], scope: Scope) -> Checked:
    """Check the payload's types and the services of a class.

    Args:
        job_class: One that can run.
        scope: Asked what its container would make.
    """
    name = job_class.__jtc__.name
    return _checked("job", name, list(_problems_of(job_class, scope)))


def check_task(task: ScheduledTask, scope: Scope) -> Checked:
    """Check the services of a task.

    Args:
        task: A registered one.
        scope: Asked what its container would make.
    """
    try:
        wanted = TaskServices(task).wanted(task.options.payload or ())
    except InvalidTask as error:
        return Checked("task", task.name, (str(error),))
    method = getattr(task.func, "__name__", "its function")
    return _checked("task", task.name, list(_flaws_in(wanted, method, scope)))


def _checked(
    kind: Literal["job", "task"], name: str, problems: list[str | None]
) -> Checked:
    known = tuple(problem for problem in problems if problem is not None)
    return Checked(kind, name, known, was_seen_through=None not in problems)


def _problems_of(job_class: type[Job], scope: Scope) -> Iterator[str | None]:
    """Yield each problem, and None for each service that cannot be looked into."""
    definition = job_class.__jtc__
    try:
        _ = definition.payload
    except InvalidDeclaration as error:
        yield str(error)
    if definition.takes_services:
        yield from _flaws_of_constructor(job_class, scope)
    try:
        wanted = definition.services
    except InvalidDeclaration as error:
        yield str(error)
        return
    yield from _flaws_in(wanted, "handle", scope)


def _flaws_of_constructor(job_class: type[Job], scope: Scope) -> Iterator[str | None]:
    flaws = scope.flaws(job_class) if scope.makes_any_class else ()
    if flaws is None:
        yield None
        return
    if scope.makes_any_class and not flaws:
        return
    try:
        wanted = constructor_services(job_class)
    except InvalidDeclaration as error:
        yield str(error)
        return
    found = list(_flaws_in(wanted, "__init__", scope))
    # What no parameter is to blame for is wrong with the class itself.
    yield from found or flaws


def _flaws_in(
    wanted: Mapping[str, Any], method: str, scope: Scope
) -> Iterator[str | None]:
    for name, service in wanted.items():
        flaws = scope.flaws(service)
        if flaws is None:
            yield None
            continue
        place = f"{name}: {inspect.formatannotation(service)} of {method}"
        yield from (f"{place}: {flaw}" for flaw in flaws)
