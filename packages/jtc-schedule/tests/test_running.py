from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from jtc.schedule import (
    Schedule,
    TaskNotFound,
    list_scheduled_tasks,
    run_task_by_name,
)

request = ContextVar("request", default="none")


async def test_an_async_function_runs_in_the_event_loop() -> None:
    @Schedule.every(60)
    async def where(ctx: Any) -> int:
        return threading.get_ident()

    assert await run_task_by_name("where") == threading.get_ident()


async def test_a_blocking_function_runs_in_a_thread() -> None:
    @Schedule.every(60)
    def where(ctx: Any) -> int:
        return threading.get_ident()

    assert await run_task_by_name("where") != threading.get_ident()


async def test_a_blocking_function_sees_the_context_variables() -> None:
    @Schedule.every(60)
    def who(ctx: Any) -> str:
        return request.get()

    token = request.set("ours")
    try:
        assert await run_task_by_name("who") == "ours"
    finally:
        request.reset(token)


async def test_a_function_that_returns_an_awaitable_is_awaited() -> None:
    async def inner(ctx: Any) -> str:
        return "awaited"

    def hide(func: Callable[[Any], Awaitable[str]]) -> Callable[[Any], Awaitable[str]]:
        @functools.wraps(func)
        def wrapper(ctx: Any) -> Awaitable[str]:
            return func(ctx)

        return wrapper

    Schedule.every(60)(hide(inner))

    assert await run_task_by_name("inner") == "awaited"


async def test_an_object_with_an_async_call_is_awaited() -> None:
    class Backup:
        async def __call__(self, ctx: Any) -> str:
            return "copied"

    Schedule.every(60, name="backup")(Backup())

    assert await run_task_by_name("backup") == "copied"


async def test_without_a_context_each_run_gets_an_empty_one() -> None:
    @Schedule.every(60)
    def mark(ctx: dict[str, Any]) -> dict[str, Any]:
        seen = dict(ctx)
        ctx["mark"] = True
        return seen

    assert await run_task_by_name("mark") == {}
    assert await run_task_by_name("mark") == {}


async def test_an_empty_context_is_passed_as_it_is() -> None:
    @Schedule.every(60)
    async def mark(ctx: dict[str, Any]) -> None:
        ctx["mark"] = True

    context: dict[str, Any] = {}
    await run_task_by_name("mark", context)

    assert context == {"mark": True}


@pytest.mark.parametrize("blocking", [True, False])
async def test_an_error_reaches_the_caller(blocking: bool) -> None:
    def fail(ctx: Any) -> None:
        raise LookupError("out of paper")

    async def fail_async(ctx: Any) -> None:
        fail(ctx)

    Schedule.every(60, name="print")(fail if blocking else fail_async)

    with pytest.raises(LookupError, match="out of paper"):
        await run_task_by_name("print")


async def test_an_unknown_name_is_refused_with_near_names() -> None:
    for name in ("daily_report", "cleanup"):
        Schedule.every(60, name=name)(lambda ctx: None)

    with pytest.raises(TaskNotFound) as caught:
        await run_task_by_name("daily_raport")

    assert str(caught.value) == (
        "Task 'daily_raport' not found. Did you mean 'daily_report'?"
    )


async def test_an_unknown_name_without_near_ones_lists_what_there_is() -> None:
    for name in ("daily_report", "cleanup"):
        Schedule.every(60, name=name)(lambda ctx: None)

    with pytest.raises(TaskNotFound) as caught:
        await run_task_by_name("x")

    assert str(caught.value) == (
        "Task 'x' not found. Known tasks: daily_report, cleanup."
    )


@pytest.mark.parametrize(
    ("count", "end"), [(10, "task-09."), (11, "task-09 and 1 more.")]
)
async def test_a_long_list_of_known_names_is_cut(count: int, end: str) -> None:
    for number in range(count):
        Schedule.every(60, name=f"task-{number:02}")(lambda ctx: None)

    with pytest.raises(TaskNotFound) as caught:
        await run_task_by_name("zzz")

    assert str(caught.value).endswith(end)


async def test_an_empty_registry_says_what_is_missing() -> None:
    with pytest.raises(TaskNotFound) as caught:
        await run_task_by_name("x")

    assert str(caught.value) == (
        "Task 'x' not found. No task is registered: "
        "import the module that defines it first."
    )


def test_nothing_registered_is_an_empty_list() -> None:
    assert list_scheduled_tasks() == []


def test_the_list_names_the_time_zone() -> None:
    Schedule.cron("@daily", "night", timezone="Europe/Lisbon")(lambda ctx: None)

    (row,) = list_scheduled_tasks()
    assert row["timezone"] == "Europe/Lisbon"
    assert row["description"] == ""


async def test_the_payload_is_passed_as_keyword_arguments() -> None:
    async def greet(ctx: dict[str, str], name: str, *, loud: bool = False) -> str:
        return f"{ctx['greeting']} {name.upper() if loud else name}"

    def count(ctx: object, up_to: int) -> list[int]:
        return [*range(up_to)]

    Schedule.daily(payload={"name": "Ada", "loud": True})(greet)
    Schedule.every(60, payload={"up_to": 3})(count)

    assert await run_task_by_name("greet", {"greeting": "Hello"}) == "Hello ADA"
    assert await run_task_by_name("count") == [0, 1, 2]
