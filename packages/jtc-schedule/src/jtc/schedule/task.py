from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Unpack

from jtc.schedule.expression import check_expression
from jtc.schedule.fingerprint import fingerprint_of
from jtc.schedule.fitting import check_fit, has_timezone
from jtc.schedule.function import (
    TaskFunction,
    check_function,
    first_paragraph,
    own_name,
)
from jtc.schedule.interval import whole_seconds
from jtc.schedule.naming import check_description, check_name
from jtc.schedule.option_keywords import OptionKeywords
from jtc.schedule.options import NO_OPTIONS, TaskOptions


@dataclass(frozen=True, slots=True, init=False, repr=False)
class ScheduledTask:
    """A function and when it is due.

    Attributes:
        func: Called with the context, and with the payload as keyword arguments.
        schedule: A cron expression as it was given, or an interval in seconds.
        name: Unique in a registry.
        description: One line for people, or "".
        options: What else is said of it.

    Example:
        >>> def rotate_logs(ctx):
        ...     '''Start a new log file.'''
        >>> task = ScheduledTask(rotate_logs, 3600, overlap="allow")
        >>> task
        <ScheduledTask rotate_logs schedule=3600s>
        >>> task.description, task.options.overlap
        ('Start a new log file.', 'allow')
    """

    func: TaskFunction
    schedule: str | int
    name: str
    description: str
    # Equal tasks have equal names; and a payload cannot be hashed.
    options: TaskOptions = field(hash=False)

    def __init__(
        self,
        func: TaskFunction,
        schedule: str | int | timedelta,
        name: str | None = None,
        description: str | None = None,
        *,
        options: TaskOptions = NO_OPTIONS,
        **keywords: Unpack[OptionKeywords],
    ) -> None:
        """Check every part.

        Args:
            func: A plain or async function that takes the context.
            schedule: A cron expression, seconds, or a timedelta of whole seconds.
            name: The function's own name unless given.
            description: The first paragraph of the docstring unless given.
            options: What holds unless one of the keywords says otherwise.
            keywords: Options by their names, see `TaskOptions`.

        Raises:
            ScheduleError: In the subclass that fits the part which is wrong.
        """
        when = check_schedule(schedule)
        options = options.derive(keywords)
        check_fit(when, options, keywords)
        check_function(func, options.payload or ())
        checked = {
            "func": func,
            "schedule": when,
            "name": check_name(own_name(func) if name is None else name),
            "description": check_description(
                first_paragraph(func) if description is None else description
            ),
            "options": options,
        }
        for part, value in checked.items():
            object.__setattr__(self, part, value)

    def __repr__(self) -> str:
        unit = "" if self.is_cron() else "s"
        return f"<ScheduledTask {self.name} schedule={self.schedule}{unit}>"

    @property
    def timezone(self) -> str | None:
        """The IANA name in which it is read; None for the worker's default, UTC."""
        return self.options.timezone

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that say which ticks there are, whatever becomes of them.

        Made of the schedule, `timezone`, `dst`, `jitter`, `phase`, `starts_at` and
        `ends_at`: equal in every process and version. A changed policy, such as another
        `timeout`, does not make it another schedule, which would start anew.
        """
        return fingerprint_of(self.schedule, self.options)

    def is_cron(self) -> bool:
        """Return whether the schedule is a cron expression."""
        return isinstance(self.schedule, str)

    def is_interval(self) -> bool:
        """Return whether the schedule is a number of seconds."""
        return not self.is_cron()

    def in_timezone(self, default: str) -> ScheduledTask:
        """Return the task with a time zone for what it does not read in one of its own.

        Args:
            default: An IANA name.

        Raises:
            InvalidTimezone: The zone is unknown here.

        Example:
            >>> task = ScheduledTask(print, "0 9 * * *", "report")
            >>> task.in_timezone("Europe/Lisbon").timezone
            'Europe/Lisbon'
            >>> task.in_timezone("Europe/Lisbon").in_timezone("Asia/Tokyo").timezone
            'Europe/Lisbon'
        """
        options = self.options
        if options.timezone is not None or not has_timezone(self.schedule, options):
            return self
        return replace(self, options=options.derive({"timezone": default}))


def check_schedule(schedule: str | int | timedelta) -> str | int:
    """Return a cron expression stripped, an interval as whole seconds."""
    if not isinstance(schedule, str):
        return whole_seconds(schedule)
    check_expression(schedule)
    return schedule.strip()
