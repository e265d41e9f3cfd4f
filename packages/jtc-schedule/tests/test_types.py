"""Checked by mypy --strict, in the environment `types`; it runs as well."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, assert_type
from zoneinfo import ZoneInfo

import pytest

from jtc.schedule import (
    InvalidInterval,
    InvalidTask,
    InvalidTaskOption,
    OptionKeywords,
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
    TaskOptions,
    UnknownTaskOption,
    list_scheduled_tasks,
    skip_reason,
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
    assert_type(task.options, TaskOptions)
    assert_type(task.options.days, frozenset[int] | None)
    assert_type(task.options.between, tuple[time, time] | None)
    assert_type(task.in_timezone("UTC"), ScheduledTask)


def test_a_sentence_keeps_the_exact_type_of_a_function_too() -> None:
    @Schedule.weekly(on=["mon", 4], at=time(9), timezone=ZoneInfo("Europe/Lisbon"))
    async def report(ctx: dict[str, Any]) -> int:
        return 1

    report_type: Callable[[dict[str, Any]], Coroutine[Any, Any, int]] = report
    assert report_type is report


def test_all_that_may_be_written_is_no_type_error() -> None:
    with Schedule.group(timezone="Europe/Lisbon", environments=["production"]):
        Schedule.every(timedelta(minutes=1))
        Schedule.every(
            minutes=1.5,
            jitter=timedelta(seconds=5),
            phase=5,
            starts_at=datetime(2026, 1, 1, tzinfo=UTC),
            exclude=[date(2026, 12, 25), ("2026-07-01", "2026-07-31"), excluded],
            when=lambda: True,
            skip=lambda nominal: False,
            between=("09:00", time(17)),
            days=["mon", 2],
            timeout=2.5,
            backoff=[1, timedelta(minutes=5)],
            payload={"region": "eu"},
            on_failure=print,
        )


def excluded(nominal: datetime) -> bool:
    return False


def test_an_unknown_option_is_a_type_error_for_mypy_too() -> None:
    with pytest.raises(UnknownTaskOption):
        Schedule.cron("@daily", timezon="UTC")  # type: ignore[call-arg]
    with pytest.raises(UnknownTaskOption):
        Schedule.daily("13:00", timezon="UTC")  # type: ignore[call-arg]
    with pytest.raises(UnknownTaskOption):
        ScheduledTask(len, 60, "count", trys=1)  # type: ignore[call-arg]
    with pytest.raises(UnknownTaskOption):
        Schedule.group(trys=1).__enter__()  # type: ignore[call-arg]


def test_an_option_of_another_type_is_a_type_error_for_mypy_too() -> None:
    with pytest.raises(InvalidTaskOption):
        Schedule.cron("@daily", overlap="alow")  # type: ignore[arg-type]
    with pytest.raises(InvalidTaskOption):
        Schedule.cron("@daily", jitter="5")  # type: ignore[arg-type]
    with pytest.raises(InvalidTaskOption):
        Schedule.every(60, starts_at=date(2026, 1, 1))  # type: ignore[arg-type]
    with pytest.raises(InvalidTaskOption):
        Schedule.daily(at=13)  # type: ignore[arg-type]
    with pytest.raises(InvalidTaskOption):
        Schedule.hourly(between=("09:00",))  # type: ignore[arg-type]
    with pytest.raises(InvalidInterval):
        Schedule.every(minutes="5")  # type: ignore[arg-type]
    with pytest.raises(InvalidTaskOption):
        TaskOptions(dst="summer")  # type: ignore[arg-type]


def test_keywords_can_be_kept_in_a_dict() -> None:
    nightly: OptionKeywords = {"timezone": "Europe/Lisbon", "tries": 3}

    task = ScheduledTask(len, "@daily", "count", **nightly)

    reason = skip_reason(task, datetime(2026, 1, 1, tzinfo=UTC), None)
    assert_type(reason, Literal["environment", "excluded", "days", "between"] | None)
    assert reason is None
