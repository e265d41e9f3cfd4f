from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jtc.cli.times import format_for_programs, format_moment
from jtc.cli.written_schedule import write_schedule
from jtc.queue.ticks import first_due
from jtc.schedule import ScheduledTask


@dataclass(frozen=True, slots=True)
class DueTask:
    """A task with its next tick, in words for people and for programs.

    Attributes:
        task: The task.
        now: When it was looked at, an aware datetime.
        due: When its next tick fires, in UTC; None if there are no more, or the task is
            not enabled.

    Example:
        >>> from datetime import UTC
        >>> task = ScheduledTask(lambda ctx: None, 3600, name="sync")
        >>> due = DueTask.at(task, datetime(2026, 3, 1, 22, 30, tzinfo=UTC))
        >>> due.schedule, due.when
        ('3600s', '23:00:00')
    """

    task: ScheduledTask
    now: datetime
    due: datetime | None

    @classmethod
    def at(cls, task: ScheduledTask, now: datetime) -> DueTask:
        """Return `task` with its first tick after `now`."""
        due = first_due(task, now) if task.options.enabled else None
        return cls(task, now, due)

    @property
    def type(self) -> str:
        """The type of its schedule: cron or interval."""
        return "cron" if self.task.is_cron() else "interval"

    @property
    def schedule(self) -> str:
        """The interval, or the cron expression with its time zone if it has one."""
        return write_schedule(self.task.schedule, self.task.timezone)

    @property
    def when(self) -> str:
        """The time of the next tick in UTC, with the date if it is a day away."""
        if not self.task.options.enabled:
            return "disabled"
        return "never" if self.due is None else format_moment(self.due, now=self.now)

    def as_json(self) -> dict[str, Any]:
        """Return what a program needs to know, with times as ISO 8601 in UTC."""
        return {
            "name": self.task.name,
            "schedule": self.task.schedule,
            "type": self.type,
            "description": self.task.description,
            "timezone": self.task.timezone,
            "next_due": self.due and format_for_programs(self.due),
        }
