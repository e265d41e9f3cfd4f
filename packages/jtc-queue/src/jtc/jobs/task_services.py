from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jtc.jobs.injection import make_services
from jtc.jobs.opening import open_scope
from jtc.schedule import ScheduledTask
from jtc.schedule.services import set_supplier


async def supply_services(
    task: ScheduledTask, wanted: Mapping[str, Any], run: Callable[..., Awaitable[Any]]
) -> Any:
    """Run one attempt of a task with its services, in a scope of its own.

    Args:
        task: For the message.
        wanted: The types of its services, by parameter.
        run: Takes them as keyword arguments.

    Raises:
        ContainerNotSet: No container was set.
        InjectionFailed: The container could not make a service.
        Exception: Whatever the task raised, or closing the services.
    """
    scope = open_scope()
    try:
        method = getattr(task.func, "__name__", "its function")
        services = await make_services(f"task {task.name}", method, wanted, scope)
        result = await run(**services)
    except BaseException as error:
        await scope.close(error)
        raise
    await scope.close()
    return result


# Where jobs can run, tasks get their services too.
set_supplier(supply_services)
