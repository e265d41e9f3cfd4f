from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Generic, TypeVar, Unpack

from jtc.schedule.expression import check_expression
from jtc.schedule.interval import whole_seconds_of
from jtc.schedule.option_keywords import OptionKeywords

R_co = TypeVar("R_co", covariant=True)


class Declaring(ABC, Generic[R_co]):
    """The two kinds of schedules; what is declared by them, subclasses say."""

    def cron(
        self,
        expression: str,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[OptionKeywords],
    ) -> R_co:
        """Run at the times a cron expression names.

        Args:
            expression: Five fields, six with seconds first, or a macro as `@daily`.
            name: That of what is run unless given.
            description: The first paragraph of the docstring unless given.
            options: See `TaskOptions`.

        Raises:
            InvalidCronExpression: It is malformed or can never fire.
            InvalidTaskOption: An option has a value that can never work.
            InvalidTimezone: The zone is unknown here.
            InvalidTask: What is to be run or its name cannot make a task.
            DuplicateTask: The name is taken.

        Example:
            >>> from jtc.schedule import Schedule, ScheduleRegistry
            >>> with ScheduleRegistry.scoped():
            ...     @Schedule.cron("0 9 * * MON-FRI", timezone="Europe/Lisbon")
            ...     async def morning_report(ctx):
            ...         '''Mail the figures of yesterday.'''
            ...     ScheduleRegistry.get_all()
            [<ScheduledTask morning_report schedule=0 9 * * MON-FRI>]
        """
        check_expression(expression)
        return self._declare(expression, name, description, options)

    def every(
        self,
        seconds: int | timedelta | None = None,
        name: str | None = None,
        description: str | None = None,
        *,
        minutes: float = 0,
        hours: float = 0,
        weeks: float = 0,
        **options: Unpack[OptionKeywords],
    ) -> R_co:
        """Run at a fixed interval of up to ten years.

        Args:
            seconds: An int, or a timedelta of whole seconds; it goes alone, the other
                units are summed up.
            name: That of what is run unless given.
            description: The first paragraph of the docstring unless given.
            minutes: As in `every(minutes=5)`.
            hours: Two days are `hours=48`: `days` is the option of that name.
            weeks: As in `every(weeks=2)`.
            options: See `TaskOptions`.

        Raises:
            InvalidInterval: It is not whole, not positive or too long, or is given in
                seconds and in another unit.
            InvalidTaskOption: An option has a value that can never work.
            InvalidTask: What is to be run or its name cannot make a task.
            DuplicateTask: The name is taken.

        Example:
            >>> from jtc.schedule import Schedule, ScheduleRegistry
            >>> with ScheduleRegistry.scoped():
            ...     @Schedule.every(minutes=5, days="weekdays")
            ...     def refresh_cache(ctx):
            ...         '''Load what changed.'''
            ...     ScheduleRegistry.get_all()
            [<ScheduledTask refresh_cache schedule=300s>]
        """
        units = {"minutes": minutes, "hours": hours, "weeks": weeks}
        interval = whole_seconds_of(seconds, units, days=options.get("days"))
        return self._declare(interval, name, description, options)

    @abstractmethod
    def _declare(
        self,
        schedule: str | int,
        name: str | None,
        description: str | None,
        options: OptionKeywords,
    ) -> R_co:
        """Do with a schedule and its options what this is for."""
