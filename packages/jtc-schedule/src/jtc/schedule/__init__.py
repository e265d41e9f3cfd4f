from __future__ import annotations

from jtc.schedule.conditions import skip_reason
from jtc.schedule.decorators import Schedule
from jtc.schedule.errors import (
    DuplicateTask,
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTaskOption,
    InvalidTimezone,
    NoSupplier,
    ScheduleError,
    ScheduleWarning,
    TaskNotFound,
    UnknownTaskOption,
)
from jtc.schedule.expression import check_expression, expand_expression
from jtc.schedule.option_keywords import OptionKeywords
from jtc.schedule.options import TaskOptions
from jtc.schedule.ping import Ping
from jtc.schedule.registry import ScheduleRegistry
from jtc.schedule.running import list_scheduled_tasks, run_task_by_name
from jtc.schedule.secret import Secret
from jtc.schedule.task import ScheduledTask

__all__ = [
    "DuplicateTask",
    "InvalidCronExpression",
    "InvalidInterval",
    "InvalidTask",
    "InvalidTaskOption",
    "InvalidTimezone",
    "NoSupplier",
    "OptionKeywords",
    "Ping",
    "Schedule",
    "ScheduleError",
    "ScheduleRegistry",
    "ScheduleWarning",
    "ScheduledTask",
    "Secret",
    "TaskNotFound",
    "TaskOptions",
    "UnknownTaskOption",
    "check_expression",
    "expand_expression",
    "list_scheduled_tasks",
    "run_task_by_name",
    "skip_reason",
]
