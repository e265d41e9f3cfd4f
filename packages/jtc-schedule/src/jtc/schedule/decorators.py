from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from jtc.schedule.expression import check_expression
from jtc.schedule.function import TaskFunction
from jtc.schedule.interval import whole_seconds
from jtc.schedule.registry import ScheduleRegistry
from jtc.schedule.task import (
    ScheduledTask,
    check_description,
    check_name,
    check_timezone,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

F = TypeVar("F", bound=TaskFunction)


class Schedule:
    """Decorators that register a function as a task and return it unchanged."""

    @staticmethod
    def cron(
        expression: str,
        name: str | None = None,
        description: str | None = None,
        *,
        timezone: str | ZoneInfo | None = None,
    ) -> Callable[[F], F]:
        """Run a function at the times a cron expression names.

        Args:
            expression: Five fields, six with seconds first, or a macro as `@daily`.
            name: The function's own name unless given.
            description: The first paragraph of the docstring unless given.
            timezone: IANA name; the worker's default, UTC, unless given.

        Raises:
            InvalidCronExpression: It is malformed or can never fire.
            InvalidTimezone: The zone is unknown here.
            InvalidTask: The function or its name cannot make a task.
            DuplicateTask: The name is taken.

        Example:
            >>> with ScheduleRegistry.scoped():
            ...     @Schedule.cron("0 9 * * MON-FRI", timezone="Europe/Lisbon")
            ...     async def morning_report(ctx):
            ...         '''Mail the figures of yesterday.'''
            ...     ScheduleRegistry.get_all()
            [<ScheduledTask morning_report schedule=0 9 * * MON-FRI>]
        """
        check_expression(expression)
        zone = check_timezone(timezone, expression)
        return _registering(expression, name, description, timezone=zone)

    @staticmethod
    def every(
        seconds: int | timedelta,
        name: str | None = None,
        description: str | None = None,
    ) -> Callable[[F], F]:
        """Run a function at a fixed interval.

        Args:
            seconds: An int, or a timedelta of whole seconds; up to ten years.
            name: The function's own name unless given.
            description: The first paragraph of the docstring unless given.

        Raises:
            InvalidInterval: It is not whole, not positive, or too long.
            InvalidTask: The function or its name cannot make a task.
            DuplicateTask: The name is taken.

        Example:
            >>> with ScheduleRegistry.scoped():
            ...     @Schedule.every(timedelta(minutes=5))
            ...     def refresh_cache(ctx):
            ...         '''Load what changed.'''
            ...     ScheduleRegistry.get_all()
            [<ScheduledTask refresh_cache schedule=300s>]
        """
        return _registering(whole_seconds(seconds), name, description)


def _registering(
    schedule: str | int,
    name: str | None,
    description: str | None,
    *,
    timezone: str | None = None,
) -> Callable[[F], F]:
    # Checked before there is a function, so that the traceback ends at the argument.
    if name is not None:
        check_name(name)
    if description is not None:
        check_description(description)

    def register(func: F) -> F:
        task = ScheduledTask(func, schedule, name, description, timezone=timezone)
        ScheduleRegistry.register(task)
        return func

    return register
