from __future__ import annotations

from jtc.schedule.decorators import Schedule
from jtc.schedule.errors import (
    DuplicateTask,
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTimezone,
    ScheduleError,
    TaskNotFound,
)
from jtc.schedule.expression import check_expression, expand_expression
from jtc.schedule.registry import ScheduleRegistry
from jtc.schedule.running import list_scheduled_tasks, run_task_by_name
from jtc.schedule.task import ScheduledTask

__all__ = [
    "DuplicateTask",
    "InvalidCronExpression",
    "InvalidInterval",
    "InvalidTask",
    "InvalidTimezone",
    "Schedule",
    "ScheduleError",
    "ScheduleRegistry",
    "ScheduledTask",
    "TaskNotFound",
    "check_expression",
    "expand_expression",
    "list_scheduled_tasks",
    "run_task_by_name",
]
