from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from jtc.jobs.finding import find_job_class
from jtc.jobs.injection import build_job
from jtc.jobs.job import Job
from jtc.queue.retry_policy import check_time_to_retry
from jtc.queue.threads import run_in_thread
from jtc.queue.verdict import Verdict, judge_now

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
        TooLateToRetry: The class's `retry_until` has passed.
        Exception: Whatever `handle` raised.
    """
    found = find_job_class(job_class)
    job: Job | None = None
    try:
        job = await _make(found, payload)
        _check_time(ctx)
        if found.__jtc__.handles_async:
            return await job.handle()
        return await _call(job.handle)
    except asyncio.CancelledError:
        if (cause := _stop_error(ctx)) is not None:
            await _react(ctx, found, job, cause)
        raise
    # A library that calls sys.exit means the job, not the worker.
    except (Exception, SystemExit) as error:
        await _react(ctx, found, job, error)
        raise


async def _make(job_class: type[Job], payload: dict[str, Any]) -> Job:
    values = job_class.__jtc__.payload.decode(payload)
    job = await build_job(job_class)
    for name, value in values:
        setattr(job, name, value)
    return job


def _check_time(ctx: Mapping[str, Any]) -> None:
    job = ctx.get("job")
    if job is not None:
        check_time_to_retry(job, now=time.time())


async def _call(method: Callable[..., Any], *args: Any) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(*args)
    returned = await run_in_thread(functools.partial(method, *args))
    # A decorator may have hidden that the method is asynchronous.
    return await returned if inspect.isawaitable(returned) else returned


def _stop_error(ctx: Mapping[str, Any]) -> Exception | None:
    attempt = ctx.get("_attempt")
    return None if attempt is None else attempt.stop_error


async def _react(
    ctx: Mapping[str, Any],
    job_class: type[Job],
    job: Job | None,
    error: BaseException,
) -> None:
    verdict = _judge(ctx, job_class, error)
    # What could not be made has nothing to call.
    if job is None or verdict.kind != "fail":
        return
    failed: Callable[..., Any] = job.failed
    try:
        await _call(failed, error)
    except (Exception, SystemExit):
        logger.exception(
            "failed() of %s raised an error of its own.",
            job_class.__jtc__.name,
            extra={"action": "failed_hook_failed"},
        )


def _judge(
    ctx: Mapping[str, Any], job_class: type[Job], error: BaseException
) -> Verdict:
    rules = job_class.__jtc__.options.error_rules
    attempt = ctx.get("_attempt")
    if attempt is None:
        return judge_now(ctx.get("job"), error, rules)
    verdict: Verdict = attempt.judge(error, rules)
    return verdict
