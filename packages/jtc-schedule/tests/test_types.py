"""Checked by mypy --strict, in the environment `types`; it runs as well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, assert_type

import pytest

from jtc.schedule import (
    InvalidTask,
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
    list_scheduled_tasks,
)


def test_a_decorated_function_keeps_its_exact_type() -> None:
    @Schedule.cron("0 * * * *")
    async def hourly(ctx: dict[str, Any]) -> int:
        return 1

    @Schedule.every(timedelta(minutes=1))
    def minutely(ctx: dict[str, Any], retries: int = 3, *, dry: bool = False) -> str:
        return "ran"

    hourly_type: Callable[[dict[str, Any]], Coroutine[Any, Any, int]] = hourly
    assert_type(minutely({}, 5, dry=True), str)
    assert hourly_type is hourly


def test_a_callable_object_keeps_its_class() -> None:
    class Backup:
        target = "disk"

        def __call__(self, ctx: object) -> None:
            pass

    backup = Schedule.every(60, name="backup")(Backup())

    assert_type(backup.target, str)
    assert isinstance(backup, Backup)


def test_a_function_without_a_context_is_a_type_error_for_mypy_too() -> None:
    with pytest.raises(InvalidTask):

        @Schedule.every(60)  # type: ignore[type-var]
        def nothing() -> None:
            pass


def test_a_task_has_no_optional_name() -> None:
    task = ScheduledTask(len, 60, "count")

    assert_type(task.name, str)
    assert_type(task.description, str)
    assert_type(task.schedule, str | int)
    assert_type(task.timezone, str | None)
    assert_type(ScheduleRegistry.get_task("count"), ScheduledTask | None)
    assert_type([row["type"] == "cron" for row in list_scheduled_tasks()], list[bool])
