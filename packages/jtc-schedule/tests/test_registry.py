from __future__ import annotations

import threading
from typing import Any

import pytest

from jtc.schedule import (
    DuplicateTask,
    InvalidTask,
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
)


def first(ctx: Any) -> None:
    pass


def second(ctx: Any) -> None:
    pass


def test_tasks_come_back_in_the_order_of_registration() -> None:
    names = ["zebra", "ant", "mule"]

    for name in names:
        ScheduleRegistry.register(ScheduledTask(first, 60, name))

    assert [task.name for task in ScheduleRegistry.get_all()] == names


def test_the_list_of_tasks_is_a_copy() -> None:
    ScheduleRegistry.register(ScheduledTask(first, 60))

    ScheduleRegistry.get_all().clear()

    assert len(ScheduleRegistry.get_all()) == 1


def test_a_name_taken_twice_is_refused_naming_both_places() -> None:
    Schedule.every(60, name="report")(first)

    with pytest.raises(DuplicateTask) as caught:
        Schedule.cron("@daily", name="report")(second)

    message = str(caught.value)
    for func in (first, second):
        line = func.__code__.co_firstlineno
        assert f"{__name__}.{func.__name__}, {__file__}:{line}" in message
    assert message.startswith("Task 'report' is registered twice: by ")
    assert 'name="..."' in message
    assert caught.value.name == "report"


def test_a_refused_task_leaves_the_first_in_place() -> None:
    task = ScheduledTask(first, 60, "report")
    ScheduleRegistry.register(task)

    with pytest.raises(ValueError, match="registered twice"):
        ScheduleRegistry.register(ScheduledTask(second, 60, "report"))

    assert ScheduleRegistry.get_all() == [task]


def test_a_function_decorated_twice_needs_a_second_name() -> None:
    Schedule.every(60)(first)

    with pytest.raises(DuplicateTask):
        Schedule.every(60)(first)
    Schedule.every(60, name="again")(first)

    assert [task.name for task in ScheduleRegistry.get_all()] == ["first", "again"]


def test_the_same_task_is_not_registered_twice() -> None:
    task = ScheduledTask(first, 60)
    ScheduleRegistry.register(task)

    with pytest.raises(DuplicateTask):
        ScheduleRegistry.register(task)


def test_only_tasks_are_registered() -> None:
    with pytest.raises(InvalidTask, match="register takes a ScheduledTask"):
        ScheduleRegistry.register(first)  # type: ignore[arg-type]


def test_a_scope_starts_empty_and_gives_the_former_registry_back() -> None:
    Schedule.every(60)(first)

    with ScheduleRegistry.scoped() as registry:
        assert ScheduleRegistry.get_all() == []
        Schedule.every(60)(second)
        assert registry.get_all() == ScheduleRegistry.get_all()
        assert registry.get_task("second") is not None

    assert [task.name for task in ScheduleRegistry.get_all()] == ["first"]


def test_a_scope_ends_when_its_body_fails() -> None:
    Schedule.every(60)(first)

    with pytest.raises(RuntimeError), ScheduleRegistry.scoped():
        raise RuntimeError

    assert ScheduleRegistry.get_task("first") is not None


def test_scopes_are_nested() -> None:
    with ScheduleRegistry.scoped():
        Schedule.every(60)(first)
        with ScheduleRegistry.scoped():
            assert ScheduleRegistry.get_all() == []
        assert ScheduleRegistry.get_task("first") is not None


def test_of_many_threads_one_gets_a_name() -> None:
    # Given
    count = 16
    together = threading.Barrier(count)
    refused: list[DuplicateTask] = []

    def register() -> None:
        task = ScheduledTask(first, 60, "contested")
        together.wait()
        try:
            ScheduleRegistry.register(task)
        except DuplicateTask as error:
            refused.append(error)

    # When
    threads = [threading.Thread(target=register) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then
    assert len(ScheduleRegistry.get_all()) == 1
    assert len(refused) == count - 1
