from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from jtc.jobs.declaration import constructor_parameters, constructor_services
from jtc.jobs.errors import ContainerNotSet, InjectionFailed

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.jobs.scope import Scope


async def build_job(
    job_class: type[Job], values: Iterable[tuple[str, Any]], scope: Scope
) -> Job:
    """Make a job with its payload, and the services that its `__init__` takes.

    Raises:
        ContainerNotSet: It takes services and no container was set.
        InjectionFailed: The container failed; its error is the cause.
    """
    if job_class.__jtc__.takes_services:
        job = await _construct(job_class, scope)
    else:
        job = job_class.__new__(job_class)
    for name, value in values:
        setattr(job, name, value)
    return job


async def make_services(
    subject: str, method: str, wanted: Mapping[str, Any], scope: Scope
) -> dict[str, Any]:
    """Make what parameters ask for, by name and type.

    Args:
        subject: The job or the task, for the message.
        method: Whose parameters they are.
        wanted: The types, by parameter.
        scope: Makes them, and closes them later.

    Raises:
        ContainerNotSet: No container was set.
        InjectionFailed: The container failed; its error is the cause.
    """
    made: dict[str, Any] = {}
    for name, service in wanted.items():
        try:
            made[name] = await scope.get(service)
        except ContainerNotSet:
            raise
        except Exception as error:
            place = f"{name}: {inspect.formatannotation(service)}"
            reason = scope.explain(service, error)
            raise InjectionFailed(
                subject, method, place, error, reason=reason
            ) from error
    return made


async def _construct(job_class: type[Job], scope: Scope) -> Job:
    name = job_class.__jtc__.name
    if not scope.makes_any_class:
        services = constructor_services(job_class)
        return job_class(**await make_services(name, "__init__", services, scope))
    wanted = job_class.__jtc__.constructor
    try:
        if wanted is None or not scope.wires(job_class):
            return await scope.get(job_class)
        # What the container would do, in half the time: it looks at the class anew.
        return job_class(**{name: await scope.get(wanted[name]) for name in wanted})
    except ContainerNotSet:
        raise
    except Exception as error:
        culprit, reason = await _find_culprit(job_class, scope, error)
        raise InjectionFailed(
            name, "__init__", culprit, error, reason=reason
        ) from error


async def _find_culprit(
    job_class: type[Job], scope: Scope, error: Exception
) -> tuple[str | None, str | None]:
    """Name the first parameter that cannot be made by itself, and say why not."""
    for parameter in constructor_parameters(job_class):
        if parameter.annotation is inspect.Parameter.empty:
            return f"{parameter.name}, which has no type", None
        if parameter.default is not inspect.Parameter.empty:
            continue
        text = f"{parameter.name}: {inspect.formatannotation(parameter.annotation)}"
        try:
            service = get_type_hints(job_class.__init__)[parameter.name]
        except Exception as unresolved:
            return _plain(text), f"{type(unresolved).__name__}: {unresolved}"
        try:
            await scope.get(service)
        except Exception as again:
            return _plain(text), scope.explain(service, again)
    return None, scope.explain(job_class, error)


def _plain(annotated: str) -> str:
    return annotated.replace("'", "")
