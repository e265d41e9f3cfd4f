from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jtc.queue import next_tick
from jtc.schedule import ScheduledTask


@dataclass(frozen=True, slots=True)
class DueTask:
    """A task with its next tick, in words for people and for programs.

    Attributes:
        task: The task.
        now: When it was looked at, an aware datetime.
        due: Its next tick, in UTC.

    Example:
        >>> from datetime import UTC
        >>> task = ScheduledTask(lambda ctx: None, 3600, name="sync")
        >>> due = DueTask.at(task, datetime(2026, 3, 1, 22, 30, tzinfo=UTC))
        >>> due.schedule, due.when
        ('3600s', '23:00:00')
    """

    task: ScheduledTask
    now: datetime
    due: datetime

    @classmethod
    def at(cls, task: ScheduledTask, now: datetime) -> DueTask:
        """Return `task` with its first tick after `now`."""
        return cls(task, now, next_tick(task, now))

    @property
    def type(self) -> str:
        """The type of its schedule: cron or interval."""
        return "cron" if self.task.is_cron() else "interval"

    @property
    def schedule(self) -> str:
        """The interval, or the cron expression with its time zone if it has one."""
        if self.task.is_interval():
            return f"{self.task.schedule}s"
        return "\n".join(filter(None, (str(self.task.schedule), self.task.timezone)))

    @property
    def when(self) -> str:
        """The time of the next tick in UTC, with the date if it is a day away."""
        wait = self.due - self.now
        if wait < timedelta(days=1):
            return f"{self.due:%H:%M:%S}"
        date = "%b %d" if wait < timedelta(days=360) else "%Y-%m-%d"
        return f"{self.due:{date} %H:%M:%S}".removesuffix(":00")

    def as_json(self) -> dict[str, Any]:
        """Return what a program needs to know, with times as ISO 8601 in UTC."""
        return {
            "name": self.task.name,
            "schedule": self.task.schedule,
            "type": self.type,
            "description": self.task.description,
            "timezone": self.task.timezone,
            "next_due": f"{self.due:%Y-%m-%dT%H:%M:%SZ}",
        }
