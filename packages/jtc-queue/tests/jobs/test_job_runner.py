from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import saq

from jtc.jobs import (
    InvalidPayload,
    Job,
    NotAJob,
    default_container,
    runner,
    set_container,
)
from jtc.queue import JobTimeout, NotRunnableHere, RedisQueue, ThreadStillRuns

WorkOff = Callable[[RedisQueue], Awaitable[None]]
T = TypeVar("T")


@pytest.fixture(autouse=True)
def container() -> None:
    set_container(default_container())


async def run(job_class: type[Job], **payload: Any) -> Any:
    return await runner({}, job_class=job_class.__jtc__.name, payload=payload)


async def test_the_result_of_handle_is_returned() -> None:
    class Simple(Job):
        async def handle(self) -> str:
            return "done"

    assert await run(Simple) == "done"


async def test_payload_values_become_attributes_after_init() -> None:
    class ProcessOrderJob(Job):
        def __init__(self) -> None:
            self.order_id = 0
            self.seen = vars(self).copy()

        async def handle(self) -> Any:
            return self.seen, self.order_id, self.customer, self.items  # type: ignore[attr-defined]

    result = await run(ProcessOrderJob, order_id=123, customer="Ada", items=["a", "b"])

    assert result == ({"order_id": 0}, 123, "Ada", ["a", "b"])


async def test_declared_defaults_are_attributes_too() -> None:
    class Send(Job):
        order_id: int
        tags: list[str] = []  # noqa: RUF012 - copied for each job

        async def handle(self) -> Any:
            self.tags.append("x")
            return self.order_id, self.tags

    assert await run(Send, order_id=1) == (1, ["x"])
    assert await run(Send, order_id=2) == (2, ["x"])
    assert Send.tags == []


async def test_an_error_of_handle_is_passed_on() -> None:
    class Broken(Job):
        async def handle(self) -> None:
            message = "no more paper"
            raise LookupError(message)

    with pytest.raises(LookupError, match="no more paper"):
        await run(Broken)


async def test_an_invalid_payload_makes_no_instance() -> None:
    made: list[object] = []

    class Send(Job):
        order_id: int

        def __init__(self) -> None:
            made.append(self)

        async def handle(self) -> None: ...

    with pytest.raises(InvalidPayload):
        await run(Send, order_id="x")
    assert made == []


@pytest.mark.parametrize("name", ["handle", "dispatch", "__class__", "_secret"])
async def test_a_payload_cannot_overwrite_what_the_class_needs(name: str) -> None:
    class Simple(Job):
        async def handle(self) -> str:
            return "done"

    with pytest.raises(InvalidPayload):
        await run(Simple, **{name: "x"})


async def test_what_is_no_job_is_not_called() -> None:
    with pytest.raises(NotAJob):
        await runner({}, job_class="os.getcwd", payload={})


async def test_a_synchronous_handle_runs_in_a_thread() -> None:
    class Blocking(Job):
        name: str

        def handle(self) -> Any:
            return self.name, threading.current_thread()

    name, thread = await run(Blocking, name="x")

    assert name == "x"
    assert thread is not threading.main_thread()


async def test_a_synchronous_handle_may_raise_stop_iteration() -> None:
    class Blocking(Job):
        def handle(self) -> Any:
            return next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(run(Blocking), 10)


async def test_a_handle_that_a_decorator_hides_is_awaited() -> None:
    def plain(method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        @functools.wraps(method)
        def call(*args: Any) -> Awaitable[T]:
            return method(*args)

        return call

    class Hidden(Job):
        @plain
        async def handle(self) -> str:
            return "done"

    assert await run(Hidden) == "done"


class Failing(Job):
    kind: str = "lookup"

    async def handle(self) -> None:
        raise {
            "lookup": LookupError("first"),
            "elsewhere": NotRunnableHere("not here"),
            "thread": ThreadStillRuns(1),
        }[self.kind]

    async def failed(self, exception: Exception) -> None:
        reports.append((self.kind, exception))


reports: list[tuple[str, Exception]] = []


@pytest.fixture(autouse=True)
def no_reports() -> None:
    reports.clear()


@pytest.mark.parametrize(
    ("ctx", "is_reported"),
    [
        ({}, True),
        ({"job": None}, True),
        ({"job": saq.Job("runner", retries=2, attempts=2)}, True),
        ({"job": saq.Job("runner", retries=1, attempts=1)}, True),
        ({"job": saq.Job("runner", retries=2, attempts=1)}, False),
    ],
)
async def test_failed_is_called_once_when_the_last_try_failed(
    ctx: dict[str, Any],
    is_reported: bool,
) -> None:
    with pytest.raises(LookupError) as caught:
        await runner(ctx, job_class=Failing.__jtc__.name, payload={})

    assert reports == ([("lookup", caught.value)] if is_reported else [])


async def test_failed_is_not_called_when_another_worker_may_run_the_job() -> None:
    with pytest.raises(NotRunnableHere):
        await run(Failing, kind="elsewhere")

    assert reports == []


async def test_a_thread_that_did_not_end_is_the_last_try() -> None:
    ctx = {"job": saq.Job("runner", retries=9, attempts=1)}

    with pytest.raises(ThreadStillRuns):
        await runner(ctx, job_class=Failing.__jtc__.name, payload={"kind": "thread"})

    assert [kind for kind, _ in reports] == ["thread"]


async def test_an_error_in_failed_is_logged_and_hides_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Worse(Job, name="worse"):
        async def handle(self) -> None:
            message = "first"
            raise LookupError(message)

        async def failed(self, exception: Exception) -> None:
            message = "second"
            raise OSError(message)

    with pytest.raises(LookupError, match="first"):
        await run(Worse)

    (record,) = [r for r in caplog.records if r.name == "jtc.jobs.running"]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "failed() of worse raised an error of its own."
    assert record.action == "failed_hook_failed"  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert "second" in str(record.exc_info[1])


async def test_a_synchronous_failed_is_called_too() -> None:
    seen: list[Exception] = []

    class Broken(Job):
        def handle(self) -> None:
            message = "first"
            raise LookupError(message)

        def failed(self, exception: Exception) -> None:  # type: ignore[override]
            seen.append(exception)

    with pytest.raises(LookupError) as caught:
        await run(Broken)

    assert seen == [caught.value]


async def test_a_job_is_tried_as_often_as_its_class_says(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    tries: list[int] = []
    ends: list[Exception] = []

    class Broken(Job, tries=3):
        number: int

        async def handle(self) -> None:
            tries.append(self.number)
            message = "again"
            raise LookupError(message)

        async def failed(self, exception: Exception) -> None:
            ends.append(exception)

    handle = await Broken.dispatch(number=7)
    await work_off(queue)

    assert tries == [7, 7, 7]
    assert len(ends) == 1
    assert await handle.status() == "failed"


async def test_large_numbers_survive_the_way_through_the_server(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    got: list[Any] = []

    class Count(Job):
        number: int

        async def handle(self) -> None:
            got.append(self.number)

    class Free(Job):
        async def handle(self) -> None:
            got.append(self.number)  # type: ignore[attr-defined]

    numbers = [2**53 + 1, 2**63, 2**64 + 1, -(2**200)]
    for number in numbers:
        await Count.dispatch(number=number)
        await Free.dispatch(number=number)
    await work_off(queue)

    assert sorted(got) == sorted([*numbers, *numbers])


async def test_failed_is_called_when_the_last_try_ran_out_of_time(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    # Given
    failures: list[BaseException] = []

    class Slow(Job, timeout=0.05, tries=2):
        async def handle(self) -> None:
            await asyncio.sleep(60)

        async def failed(self, exception: Exception) -> None:
            failures.append(exception)

    handle = await Slow.dispatch()
    # When
    await work_off(queue)
    # Then
    assert await handle.status() == "failed"
    assert [type(failure) for failure in failures] == [JobTimeout]
