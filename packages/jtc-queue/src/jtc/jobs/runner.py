from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jtc.jobs.finding import find_job_class
from jtc.jobs.running import run_job


async def runner(
    ctx: Mapping[str, Any], *, job_class: str, payload: dict[str, Any]
) -> Any:
    """Run one attempt of a job: the function that workers call for every class.

    Args:
        ctx: `ctx["job"]` is the queue's job; without it, this is the last try.
        job_class: The class's `name=`, one of its aliases, or its module and qualified
            name.
        payload: The payload as it came from the queue.

    Returns:
        What `handle` returned.

    Raises:
        JobModuleNotFound: The class's module cannot be imported by this worker.
        JobClassNotFound: The class is unknown to this worker.
        NotAJob: The name is not that of a `Job` subclass.
        InvalidPayload: The payload is not what the class declares.
        ContainerNotSet: A service is asked for and no container was set.
        InjectionFailed: The container could not make a service.
        TooLateToRetry: The class's `retry_until` has passed.
        Exception: Whatever `handle` or a middleware raised.
    """
    return await run_job(find_job_class(job_class), payload, ctx)
