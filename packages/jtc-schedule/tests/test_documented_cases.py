"""The 21 cases that the description of the schedule module lists."""

from __future__ import annotations

from typing import Any

import pytest

from jtc.schedule import (
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
    list_scheduled_tasks,
    run_task_by_name,
)


async def my_task(ctx: dict[str, Any]) -> str:
    """Do the work."""
    return "done"


class TestScheduledTask:
    def test_a_task_keeps_what_it_is_given(self) -> None:
        task = ScheduledTask(my_task, "0 * * * *", name="hourly", description="Text")

        assert task.func is my_task
        assert task.schedule == "0 * * * *"
        assert task.name == "hourly"
        assert task.description == "Text"

    def test_name_and_description_default_to_those_of_the_function(self) -> None:
        task = ScheduledTask(func=my_task, schedule=60)

        assert task.name == "my_task"
        assert task.description == "Do the work."

    def test_the_schedule_says_whether_it_is_cron_or_interval(self) -> None:
        cron = ScheduledTask(my_task, "0 * * * *")
        interval = ScheduledTask(my_task, 60)

        assert (cron.is_cron(), cron.is_interval()) == (True, False)
        assert (interval.is_cron(), interval.is_interval()) == (False, True)

    def test_repr_shows_name_and_schedule(self) -> None:
        cron = ScheduledTask(my_task, "0 * * * *")
        interval = ScheduledTask(my_task, 60)

        assert repr(cron) == "<ScheduledTask my_task schedule=0 * * * *>"
        assert repr(interval) == "<ScheduledTask my_task schedule=60s>"


class TestScheduleRegistry:
    def test_a_registered_task_is_listed(self) -> None:
        task = ScheduledTask(my_task, "0 * * * *")

        ScheduleRegistry.register(task)

        assert ScheduleRegistry.get_all() == [task]

    def test_a_task_is_found_by_its_name(self) -> None:
        task = ScheduledTask(my_task, "0 * * * *")
        ScheduleRegistry.register(task)

        assert ScheduleRegistry.get_task("my_task") is task
        assert ScheduleRegistry.get_task("another") is None

    def test_clearing_forgets_every_task(self) -> None:
        ScheduleRegistry.register(ScheduledTask(my_task, 60))

        ScheduleRegistry.clear()

        assert ScheduleRegistry.get_all() == []


class TestCron:
    def test_the_decorator_registers_the_function(self) -> None:
        decorated = Schedule.cron("0 * * * *")(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert (task.name, task.schedule) == ("my_task", "0 * * * *")
        assert task.func is decorated

    def test_a_name_may_be_given(self) -> None:
        Schedule.cron("0 * * * *", name="custom_hourly_task")(my_task)

        assert ScheduleRegistry.get_task("custom_hourly_task") is not None
        assert ScheduleRegistry.get_task("my_task") is None

    def test_a_description_may_be_given(self) -> None:
        Schedule.cron("0 * * * *", "hourly", "Instead of the docstring")(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert task.description == "Instead of the docstring"

    @pytest.mark.parametrize(
        "expression",
        [
            "* * * * *",
            "0 * * * *",
            "0 0 * * *",
            "*/5 * * * *",
            "*/15 * * * *",
            "0 0 * * 0",
            "0 0 1 * *",
            "0 9 * * 1-5",
            "0 9-17 * * *",
        ],
    )
    def test_common_patterns_are_accepted(self, expression: str) -> None:
        Schedule.cron(expression)(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert task.schedule == expression
        assert task.is_cron()


class TestEvery:
    def test_the_decorator_registers_the_function(self) -> None:
        decorated = Schedule.every(60)(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert (task.name, task.schedule) == ("my_task", 60)
        assert task.func is decorated

    def test_name_and_description_may_be_given(self) -> None:
        Schedule.every(30, name="custom", description="Own text")(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert (task.name, task.description) == ("custom", "Own text")

    @pytest.mark.parametrize("seconds", [1, 30, 60, 300, 3600, 86400])
    def test_common_intervals_are_accepted(self, seconds: int) -> None:
        Schedule.every(seconds)(my_task)

        (task,) = ScheduleRegistry.get_all()
        assert task.schedule == seconds
        assert task.is_interval()


class TestMixedScheduling:
    def test_cron_and_interval_tasks_live_together(self) -> None:
        Schedule.cron("0 * * * *", name="hourly")(my_task)
        Schedule.every(60, name="minutely")(my_task)

        hourly, minutely = ScheduleRegistry.get_all()
        assert (hourly.name, hourly.is_cron()) == ("hourly", True)
        assert (minutely.name, minutely.is_interval()) == ("minutely", True)


class TestUtilities:
    def test_tasks_are_listed_as_dicts(self) -> None:
        Schedule.cron("0 * * * *", name="hourly")(my_task)
        Schedule.every(60, name="minutely", description="Often")(my_task)

        hourly, minutely = list_scheduled_tasks()
        assert hourly == {
            "name": "hourly",
            "schedule": "0 * * * *",
            "type": "cron",
            "description": "Do the work.",
            "timezone": None,
        }
        assert minutely == {
            "name": "minutely",
            "schedule": 60,
            "type": "interval",
            "description": "Often",
            "timezone": None,
        }

    async def test_a_task_is_run_by_its_name(self) -> None:
        Schedule.every(60)(my_task)

        assert await run_task_by_name("my_task") == "done"

    async def test_a_task_is_run_with_the_context_given(self) -> None:
        @Schedule.every(60)
        async def echo(ctx: dict[str, Any]) -> object:
            return ctx

        context = {"test": True}
        assert await run_task_by_name("echo", ctx=context) is context

    async def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^Task 'nowhere' not found"):
            await run_task_by_name("nowhere")


class TestDecoratorBehavior:
    def test_the_function_stays_the_same_object(self) -> None:
        assert Schedule.cron("0 * * * *", name="a")(my_task) is my_task
        assert Schedule.every(60, name="b")(my_task) is my_task

    async def test_the_decorated_function_is_called_directly(self) -> None:
        @Schedule.cron("0 * * * *")
        async def answer(ctx: dict[str, Any]) -> int:
            return len(ctx)

        assert await answer({"a": 1, "b": 2}) == 2
