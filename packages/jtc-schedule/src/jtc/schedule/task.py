from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from jtc.schedule.errors import InvalidTask, InvalidTimezone
from jtc.schedule.expression import check_expression, expand_expression
from jtc.schedule.function import (
    TaskFunction,
    check_function,
    first_paragraph,
    own_name,
)
from jtc.schedule.interval import whole_seconds
from jtc.schedule.zone import zone_name

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_LONGEST_NAME = 200
_FINGERPRINT_DIGITS = 12


@dataclass(frozen=True, slots=True, init=False, repr=False)
class ScheduledTask:
    """A function and when it is due.

    Attributes:
        func: Called with one argument, the context.
        schedule: A cron expression as it was given, or an interval in seconds.
        name: Unique in a registry.
        description: One line for people, or "".
        timezone: The IANA name in which a cron expression is read; None leaves it
            to the worker, whose default is UTC.

    Example:
        >>> def rotate_logs(ctx):
        ...     '''Start a new log file.'''
        >>> task = ScheduledTask(rotate_logs, 3600)
        >>> task
        <ScheduledTask rotate_logs schedule=3600s>
        >>> task.description
        'Start a new log file.'
    """

    func: TaskFunction
    schedule: str | int
    name: str
    description: str
    timezone: str | None

    def __init__(
        self,
        func: TaskFunction,
        schedule: str | int | timedelta,
        name: str | None = None,
        description: str | None = None,
        *,
        timezone: str | ZoneInfo | None = None,
    ) -> None:
        """Check every part.

        Args:
            func: A plain or async function that takes the context.
            schedule: A cron expression, seconds, or a timedelta of whole seconds.
            name: The function's own name unless given.
            description: The first paragraph of the docstring unless given.
            timezone: For a cron expression only.

        Raises:
            ScheduleError: In the subclass that fits the part which is wrong.
        """
        check_function(func)
        checked = {
            "func": func,
            "schedule": check_schedule(schedule),
            "name": check_name(own_name(func) if name is None else name),
            "description": check_description(
                first_paragraph(func) if description is None else description
            ),
            "timezone": check_timezone(timezone, schedule),
        }
        for field, value in checked.items():
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        unit = "" if self.is_cron() else "s"
        return f"<ScheduledTask {self.name} schedule={self.schedule}{unit}>"

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that say what fires when, whatever it is called.

        Equal definitions have equal fingerprints, in every process and version.
        """
        schedule = self.schedule
        if isinstance(schedule, str):
            schedule = f"cron {expand_expression(schedule)}"
        definition = f"{schedule} {self.timezone or ''}"
        return hashlib.sha256(definition.encode()).hexdigest()[:_FINGERPRINT_DIGITS]

    def is_cron(self) -> bool:
        """Return whether the schedule is a cron expression."""
        return isinstance(self.schedule, str)

    def is_interval(self) -> bool:
        """Return whether the schedule is a number of seconds."""
        return not self.is_cron()


def check_schedule(schedule: str | int | timedelta) -> str | int:
    """Return a cron expression stripped, an interval as whole seconds."""
    if not isinstance(schedule, str):
        return whole_seconds(schedule)
    check_expression(schedule)
    return schedule.strip()


def check_name(name: str) -> str:
    """Return a name that can stand in a key, a log line and a table."""
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or not 1 <= len(name) <= _LONGEST_NAME
        or name != name.strip()
    ):
        problem = f"a name is 1 to {_LONGEST_NAME} printable characters, stripped"
        raise InvalidTask(f"A function named {name!r}", problem)
    return name


def check_description(description: str) -> str:
    """Return a description that is text."""
    if not isinstance(description, str):
        problem = "a description is a string"
        raise InvalidTask(f"A function described as {description!r}", problem)
    return description


def check_timezone(
    timezone: str | ZoneInfo | None, schedule: str | int | timedelta
) -> str | None:
    """Return the name of the zone in which a schedule is read, None for the default."""
    if timezone is None:
        return None
    if not isinstance(schedule, str):
        raise InvalidTimezone(timezone, "only a cron expression has a time zone")
    return zone_name(timezone)
