from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import lagom
import pytest

from jtc.jobs import (
    ContainerNotSet,
    InjectionFailed,
    default_container,
    scoped,
    set_container,
)
from jtc.queue import RedisQueue, TaskFunction, Tick, Worker, task_function_name
from jtc.queue.errors import TickSkipped
from jtc.schedule import InvalidTask, ScheduledTask, ScheduleRegistry, run_task_by_name

if TYPE_CHECKING:
    from nowhere import Gone  # type: ignore[import-not-found]

events: list[str] = []


class Mailer:
    async def send(self, text: str) -> str:
        return f"sent {text}"


class Session:
    """Closed at the end of an attempt."""


class NeedsText:
    def __init__(self, url: str) -> None: ...


async def open_session() -> AsyncIterator[Session]:
    events.append("opened")
    try:
        yield Session()
    except BaseException as error:
        events.append(type(error).__name__)
        raise
    finally:
        events.append("closed")


@pytest.fixture(autouse=True)
def container() -> Iterator[lagom.Container]:
    events.clear()
    container = lagom.Container()
    container[Session] = scoped(open_session)
    set_container(container)
    with ScheduleRegistry.scoped():
        yield container


async def run(func: Any, payload: dict[str, Any] | None = None) -> Any:
    """Run a task as a worker does."""
    task = ScheduledTask(func, 60, payload=payload)
    return await TaskFunction(task)({}, **(payload or {}))


async def test_a_task_is_given_services_by_type() -> None:
    async def report(ctx: Any, mailer: Mailer, *, session: Session) -> str:
        return await mailer.send(type(session).__name__)

    assert await run(report) == "sent Session"
    assert events == ["opened", "closed"]


async def test_a_blocking_task_is_given_them_in_its_thread() -> None:
    def report(ctx: Any, session: Session) -> bool:
        events.append("ran")
        return threading.current_thread() is not threading.main_thread()

    assert await run(report)
    assert events == ["opened", "ran", "closed"]


async def test_the_payload_comes_first() -> None:
    async def report(ctx: Any, mailer: Mailer | str, region: str) -> Any:
        return mailer, region

    payload = {"mailer": "nobody", "region": "eu"}

    assert await run(report, payload) == ("nobody", "eu")


async def test_a_parameter_with_a_default_keeps_it() -> None:
    async def report(ctx: Any, mailer: Mailer | None = None) -> Any:
        return mailer

    assert await run(report) is None


async def test_an_object_that_is_called_is_given_services() -> None:
    class Report:
        async def __call__(self, ctx: Any, mailer: Mailer) -> str:
            return await mailer.send("it")

    task = ScheduledTask(Report(), 60, "report")

    assert await TaskFunction(task)({}) == "sent it"


async def test_a_failure_closes_them_and_is_what_on_failure_gets() -> None:
    seen: list[Exception] = []

    async def report(ctx: Any, session: Session) -> None:
        raise ValueError

    def on_failure(ctx: Any, error: Exception) -> None:
        seen.append(error)

    task = ScheduledTask(report, 60, on_failure=on_failure)

    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        await TaskFunction(task)({})
    assert events == ["opened", "ValueError", "closed"]
    assert [type(error) for error in seen] == [ValueError]


async def test_a_condition_that_is_against_it_makes_nothing() -> None:
    async def report(ctx: Any, session: Session) -> None: ...

    task = ScheduledTask(report, 60, when=lambda: False)
    tick = Tick("report", datetime(2026, 3, 2, tzinfo=UTC), late_by=0.0)

    with pytest.raises(TickSkipped):
        await TaskFunction(task)({"tick": tick})
    assert events == []


async def test_what_cannot_be_made_is_named_with_its_parameter() -> None:
    async def report(ctx: Any, target: NeedsText) -> None: ...

    with pytest.raises(InjectionFailed) as caught:
        await run(report)

    assert "Cannot build task report: the container failed for the" in str(caught.value)
    assert "NeedsText of report (NeedsText → str: it is a value" in str(caught.value)


async def test_a_type_that_is_gone_is_told_when_it_runs() -> None:
    async def report(ctx: Any, gone: Gone) -> None: ...

    with pytest.raises(InvalidTask, match=r"'report' cannot be given its services"):
        await run(report)


async def test_without_a_container_it_is_told_to_set_one() -> None:
    async def report(ctx: Any, mailer: Mailer) -> None: ...

    set_container(None)

    with pytest.raises(ContainerNotSet):
        await run(report)


async def test_a_run_by_name_is_given_services_too() -> None:
    async def report(ctx: Any, mailer: Mailer) -> str:
        return await mailer.send(ctx["text"])

    set_container(default_container())
    ScheduleRegistry.register(ScheduledTask(report, 60))

    assert await run_task_by_name("report", {"text": "figures"}) == "sent figures"


async def test_a_worker_gives_a_task_its_services(queue: RedisQueue) -> None:
    async def report(ctx: Any, mailer: Mailer, region: str) -> str:
        return await mailer.send(region)

    task = ScheduledTask(report, 60, payload={"region": "eu"})
    name = task_function_name(task)
    job = await queue.enqueue(name, region="asia")
    assert job is not None

    await Worker(queue, [(name, TaskFunction(task))]).process()

    await job.refresh()
    assert job.result == "sent asia"
