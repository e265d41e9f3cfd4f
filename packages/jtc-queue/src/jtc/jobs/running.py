from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jtc.jobs.context import JobContext
from jtc.jobs.injection import build_job, make_services
from jtc.jobs.middleware import get_middleware, wrapped
from jtc.jobs.opening import open_scope
from jtc.jobs.scope import Scope
from jtc.queue.job_fields import shown_error
from jtc.queue.retry_policy import check_time_to_retry
from jtc.queue.secret_fields import note_secrets
from jtc.queue.threads import run_in_thread
from jtc.queue.verdict import Verdict, judge_now
from jtc.queue.wall_clock import epoch_seconds

if TYPE_CHECKING:
    from jtc.jobs.job import Job

logger = logging.getLogger(__name__)


async def run_job(
    job_class: type[Job], payload: Mapping[str, Any], ctx: Mapping[str, Any]
) -> Any:
    """Run one attempt of a job in a scope of its own, and return its result.

    Args:
        job_class: What runs.
        payload: The values in their form in JSON.
        ctx: `ctx["job"]` is the queue's job; without it, this is the last try.

    Raises:
        InvalidPayload: The payload is not what the class declares.
        ContainerNotSet: A service is asked for and no container was set.
        InjectionFailed: The container could not make a service.
        TooLateToRetry: The class's `retry_until` has passed.
        Exception: Whatever `handle` or a middleware raised.
    """
    try:
        known = job_class.__jtc__.payload
        if known.secret:
            note_secrets(ctx.get("job"), known.secret, payload)
        values = known.decode(payload)
        if known.secret:
            # A default may be a secret as well.
            note_secrets(ctx.get("job"), known.secret, known.complete(payload))
        return await _run_in_scope(job_class, values, ctx)
    # A library that calls sys.exit means the job, not the worker.
    except (Exception, SystemExit) as error:
        # Whatever has gone wrong, the rules of the class decide what follows.
        _judge(ctx, job_class, error)
        raise


async def _run_in_scope(
    job_class: type[Job], values: Iterable[tuple[str, Any]], ctx: Mapping[str, Any]
) -> Any:
    scope = open_scope()
    try:
        job = await build_job(job_class, values, scope)
        vars(job)["context"] = JobContext(ctx)
        result = await _react_to_end(job, ctx, _attempt(job, ctx, scope))
    except BaseException as error:
        if scope.is_open:
            await scope.close(error)
        raise
    if scope.is_open:
        # What is only written when the services close may fail the job as well.
        await _react_to_end(job, ctx, scope.close())
    return result


async def _react_to_end(
    job: Job, ctx: Mapping[str, Any], running: Awaitable[Any]
) -> Any:
    try:
        return await running
    except asyncio.CancelledError:
        if (cause := _stop_error(ctx)) is not None:
            await _react(ctx, job, cause)
        raise
    except (Exception, SystemExit) as error:
        await _react(ctx, job, error)
        raise


async def _attempt(job: Job, ctx: Mapping[str, Any], scope: Scope) -> Any:
    if (queued := ctx.get("job")) is not None:
        check_time_to_retry(queued, now=epoch_seconds())
    handle = functools.partial(_handle, job, scope)
    middleware = (*get_middleware(), *job.__jtc__.options.middleware)
    return await (wrapped(job, middleware, handle)() if middleware else handle())


async def _handle(job: Job, scope: Scope) -> Any:
    definition = job.__jtc__
    services: Mapping[str, Any] = {}
    if wanted := definition.services:
        services = await make_services(definition.name, "handle", wanted, scope)
    if definition.handles_async:
        return await job.handle(**services)
    return await _call(functools.partial(job.handle, **services))


async def _call(method: Callable[..., Any], *args: Any) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(*args)
    returned = await run_in_thread(functools.partial(method, *args))
    # A decorator may have hidden that the method is asynchronous.
    return await returned if inspect.isawaitable(returned) else returned


def _stop_error(ctx: Mapping[str, Any]) -> Exception | None:
    attempt = ctx.get("_attempt")
    return None if attempt is None else attempt.stop_error


async def _react(ctx: Mapping[str, Any], job: Job, error: BaseException) -> None:
    verdict = _judge(ctx, type(job), error)
    if verdict.kind != "fail":
        return
    failed: Callable[..., Any] = job.failed
    try:
        await _call(failed, error)
    except (Exception, SystemExit) as another:
        logger.error(
            "failed() of %s raised an error of its own.",
            job.__jtc__.name,
            exc_info=shown_error(another),
            extra={"action": "failed_hook_failed", "job_class": job.__jtc__.name},
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
