from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jtc.schedule.fitting import applies, check_fit
from jtc.schedule.function import TaskFunction
from jtc.schedule.group import group_defaults
from jtc.schedule.naming import check_description, check_name
from jtc.schedule.options import NO_OPTIONS, TaskOptions
from jtc.schedule.overlap_warning import warn_of_overlap
from jtc.schedule.task import ScheduledTask, check_schedule


@dataclass(frozen=True, slots=True)
class Declaration:
    """What was said of a task before there is a function, checked."""

    schedule: str | int
    name: str | None
    description: str | None
    options: TaskOptions

    @classmethod
    def of(
        cls,
        schedule: str | int,
        name: str | None,
        description: str | None,
        written: Mapping[str, Any],
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> Declaration:
        """Check what was written; for the rest the groups hold, then `defaults`.

        Options of a group that do nothing for such a schedule are left out.

        Raises:
            ScheduleError: In the subclass that fits the part which is wrong.
        """
        when = check_schedule(schedule)
        if name is not None:
            check_name(name)
        if description is not None:
            check_description(description)
        said = {**(defaults or {}), **group_defaults(), **written}
        options = NO_OPTIONS.derive(said)
        check_fit(when, options, written)
        said = {
            option: value
            for option, value in said.items()
            if option in written or applies(option, when, options)
        }
        options = NO_OPTIONS.derive(said)
        warn_of_overlap(when, options, said)
        return cls(when, name, description, options)

    def task_for(self, func: TaskFunction) -> ScheduledTask:
        """Return the task that a function becomes.

        Raises:
            InvalidTask: The function cannot be called as a worker would.
        """
        return ScheduledTask(
            func, self.schedule, self.name, self.description, options=self.options
        )
