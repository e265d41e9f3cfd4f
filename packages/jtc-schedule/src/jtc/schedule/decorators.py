from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar, Unpack

from jtc.schedule.declaration import Declaration
from jtc.schedule.function import TaskFunction
from jtc.schedule.group import grouped
from jtc.schedule.option_keywords import OptionKeywords
from jtc.schedule.registry import ScheduleRegistry
from jtc.schedule.sentences import Sentences

F = TypeVar("F", bound=TaskFunction)


@dataclass(frozen=True, slots=True)
class Decorator:
    """Registers a function as the task that was declared and returns it unchanged."""

    declaration: Declaration

    def __call__(self, func: F) -> F:
        """Register a function.

        Raises:
            InvalidTask: The function or its name cannot make a task.
            DuplicateTask: The name is taken.
        """
        ScheduleRegistry.register(self.declaration.task_for(func))
        return func


class Decorators(Sentences[Decorator]):
    """Decorators that register a function as a task and return it unchanged."""

    def group(self, **defaults: Unpack[OptionKeywords]) -> AbstractContextManager[None]:
        """Set options for what is declared inside a `with` block.

        What is written at the decorator wins, then the inner of two groups. Options
        that do nothing for a schedule, as `dst` for an interval, are not applied to it.

        Args:
            defaults: Any option of `TaskOptions`.

        Raises:
            ScheduleError: An option is unknown, or its value can never work.

        Example:
            >>> with ScheduleRegistry.scoped(), Schedule.group(queue="reports"):
            ...     @Schedule.daily(at="07:30")
            ...     async def morning_report(ctx):
            ...         '''Mail the figures of yesterday.'''
            ...     ScheduleRegistry.get_task("morning_report").options.queue
            'reports'
        """
        return grouped(defaults)

    def _declare(
        self,
        schedule: str | int,
        name: str | None,
        description: str | None,
        options: OptionKeywords,
    ) -> Decorator:
        # Checked before there is a function: the traceback ends at the argument.
        return Decorator(Declaration.of(schedule, name, description, options))


Schedule = Decorators()
