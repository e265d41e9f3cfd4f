from __future__ import annotations

import inspect
from typing import get_type_hints

from jtc.jobs.container import Container, get_container
from jtc.jobs.declaration import constructor_parameters
from jtc.jobs.errors import InjectionFailed
from jtc.jobs.job import Job


async def build_job(job_class: type[Job]) -> Job:
    """Let the container make a job, the parameters of its `__init__` included.

    Raises:
        ContainerNotSet: No container was set.
        InjectionFailed: The container failed; its error is the cause.
    """
    container = get_container()
    try:
        return await _resolve(container, job_class)
    except Exception as error:
        parameter = await _find_culprit(container, job_class)
        raise InjectionFailed(job_class.__jtc__.name, parameter, error) from error


async def _resolve(container: Container, wanted: type[Job]) -> Job:
    made = container.resolve(wanted)
    # Before the question that takes longer: nearly always it is what was wanted.
    if type(made) is wanted:
        return made
    return await made if inspect.isawaitable(made) else made


async def _find_culprit(container: Container, job_class: type[Job]) -> str | None:
    """Name the first parameter that cannot be made by itself, with its type."""
    for parameter in constructor_parameters(job_class):
        if parameter.annotation is inspect.Parameter.empty:
            return f"{parameter.name}, which has no type"
        if parameter.default is not inspect.Parameter.empty:
            continue
        text = f"{parameter.name}: {inspect.formatannotation(parameter.annotation)}"
        try:
            hints = get_type_hints(job_class.__init__)
            await _resolve(container, hints[parameter.name])
        except Exception:
            return text.replace("'", "")
    return None
