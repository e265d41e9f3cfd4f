from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Literal, TypedDict

from jtc.schedule.errors import TaskNotFound
from jtc.schedule.function import TaskFunction, is_async
from jtc.schedule.registry import ScheduleRegistry
from jtc.schedule.services import TaskServices
from jtc.schedule.task import ScheduledTask


class TaskRow(TypedDict):
    """What `list_scheduled_tasks` says about one task."""

    name: str
    schedule: str | int
    type: Literal["cron", "interval"]
    description: str
    timezone: str | None


def list_scheduled_tasks() -> list[TaskRow]:
    """Return a plain dict for each registered task, in the order of registration.

    The schedule is a cron expression or a number of seconds; a timezone of None is
    the worker's default, UTC.
    """
    return [_row(task) for task in ScheduleRegistry.get_all()]


async def run_task_by_name(name: str, ctx: dict[str, Any] | None = None) -> Any:
    """Run a registered task now, in this process, and return its result.

    Args:
        name: The name of the task.
        ctx: Handed to the function as it is; a new dict unless given. The function is
            also given the payload of the task, and the services it asks for.

    Raises:
        TaskNotFound: No task of that name is registered.
        NoSupplier: It asks for services and nothing here makes them.

    Example:
        >>> import asyncio
        >>> with ScheduleRegistry.scoped() as registry:
        ...     registry.register(ScheduledTask(len, 60, "count"))
        ...     asyncio.run(run_task_by_name("count", {"a": 1}))
        1
    """
    task = ScheduleRegistry.get_task(name)
    if task is None:
        known = [task.name for task in ScheduleRegistry.get_all()]
        raise TaskNotFound(name, known=known)
    return await run_task(task, {} if ctx is None else ctx)


async def run_task(task: ScheduledTask, ctx: Any) -> Any:
    """Run a task and return its result, a blocking function in a thread.

    What it asks for beside its payload is made by jtc.jobs.
    """
    call = partial(_call, task.func)
    return await TaskServices(task).call(call, ctx, task.options.payload or {})


async def _call(func: TaskFunction, ctx: Any, **payload: Any) -> Any:
    if is_async(func):
        return await func(ctx, **payload)
    # Only who runs a task pays for the import, not who publishes one.
    from asyncio import to_thread  # noqa: PLC0415

    result = await to_thread(func, ctx, **payload)
    # A decorator may hide that a function is async.
    return await result if inspect.isawaitable(result) else result


def _row(task: ScheduledTask) -> TaskRow:
    return {
        "name": task.name,
        "schedule": task.schedule,
        "type": "cron" if task.is_cron() else "interval",
        "description": task.description,
        "timezone": task.timezone,
    }
