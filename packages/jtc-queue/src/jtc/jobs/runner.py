from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from jtc.jobs.finding import find_job_class
from jtc.jobs.injection import build_job
from jtc.jobs.job import Job
from jtc.queue.errors import JobTimeout, NotRunnableHere, ThreadStillRuns
from jtc.queue.threads import run_in_thread

logger = logging.getLogger(__name__)


async def runner(
    ctx: Mapping[str, Any], *, job_class: str, payload: dict[str, Any]
) -> Any:
    """Run one attempt of a job: the function that workers call for every class.

    Args:
        ctx: `ctx["job"]` is the queue's job; without it, this is the last try.
        job_class: The class's `name=`, or its module and qualified name.
        payload: The payload as it came from the queue.

    Returns:
        What `handle` returned.

    Raises:
        JobModuleNotFound: The class's module cannot be imported by this worker.
        JobClassNotFound: The class is unknown to this worker.
        NotAJob: The name is not that of a `Job` subclass.
        InvalidPayload: The payload is not what the class declares.
        ContainerNotSet: No container was set.
        InjectionFailed: The container could not build the job.
        Exception: Whatever `handle` raised.
    """
    found = find_job_class(job_class)
    values = found.__jtc__.payload.decode(payload)
    job = await build_job(found)
    for name, value in values:
        setattr(job, name, value)
    try:
        return await _call(job.handle)
    except NotRunnableHere:
        raise
    except asyncio.CancelledError:
        if _has_expired(ctx):
            await _report_last_failure(ctx, job, JobTimeout(ctx["job"].timeout))
        raise
    except Exception as error:
        await _report_last_failure(ctx, job, error)
        raise


async def _call(method: Callable[..., Any], *args: Any) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(*args)
    returned = await run_in_thread(functools.partial(method, *args))
    # A decorator may have hidden that the method is asynchronous.
    return await returned if inspect.isawaitable(returned) else returned


def _has_expired(ctx: Mapping[str, Any]) -> bool:
    attempt = ctx.get("attempt")
    return attempt is not None and bool(attempt.has_expired)


async def _report_last_failure(
    ctx: Mapping[str, Any], job: Job, error: Exception
) -> None:
    if not _is_last_try(ctx, error):
        return
    try:
        await _call(job.failed, error)
    except Exception:
        logger.exception(
            "failed() of %s raised an error of its own.",
            type(job).__jtc__.name,
            extra={"action": "failed_hook_failed"},
        )


def _is_last_try(ctx: Mapping[str, Any], error: Exception) -> bool:
    job = ctx.get("job")
    # The worker does not start a second attempt beside a thread that did not end.
    return job is None or not job.retryable or isinstance(error, ThreadStillRuns)
