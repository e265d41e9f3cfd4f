from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import new_class
from typing import Any

import pytest

from jtc.jobs import (
    InvalidPayload,
    Job,
    JobHandle,
    PayloadOutdated,
    default_container,
    runner,
    set_container,
)
from jtc.queue import Fail, FailedJobs, RedisQueue, Worker

Deploy = Callable[..., type[Job]]
WorkOff = Callable[[RedisQueue], Awaitable[None]]


@pytest.fixture
def done() -> list[dict[str, Any]]:
    """The payloads of the jobs that ran."""
    return []


@pytest.fixture
def deploy(done: list[dict[str, Any]]) -> Deploy:
    """Define the class `SendInvoice` once more, as a deploy does."""

    def define(fields: dict[str, Any], **attributes: Any) -> type[Job]:
        def handle(self: Job) -> None:
            done.append(self.__jtc__.payload_in(self))

        def failed(self: Job, exception: Exception) -> None:
            raise AssertionError("there is no job that could be told")

        body = {
            "__module__": __name__,
            "__qualname__": "SendInvoice",
            "__annotations__": fields,
            "handle": handle,
            "failed": failed,
        }
        options: dict[str, Any] = {"tries": 3, "discard_on": ValueError}
        whole = body | attributes
        return new_class(
            "SendInvoice", (Job,), options, lambda made: made.update(whole)
        )

    return define


async def try_once(queue: RedisQueue) -> None:
    set_container(default_container())
    assert await Worker(queue, [("runner", runner)]).process()


async def parked(queue: RedisQueue, handle: JobHandle) -> str:
    """Return what is said of a job that failed in its first try."""
    kept = await FailedJobs(queue).get(handle.id)
    assert kept is not None
    assert kept.exception == "jtc.jobs.errors.PayloadOutdated"
    assert kept.attempts == 1
    return kept.message


async def test_a_job_of_a_changed_class_is_parked_and_runs_after_the_fix(
    queue: RedisQueue, deploy: Deploy, done: list[dict[str, Any]], work_off: WorkOff
) -> None:
    # Given a job that waits while the type of its field changes
    handle = await deploy({"order_id": str}).dispatch(order_id="abc")
    deploy({"order_id": int})

    # When a worker of the new version gets it
    await try_once(queue)

    # Then it is not tried again, and says what is wrong and what to do
    assert await parked(queue, handle) == (
        "SendInvoice.order_id: the queue has 'abc', it has to be int. The job is kept "
        "among the failed ones: deploy a class that takes it, then run "
        "`jtc queue retry` with its id."
    )
    assert await queue.count("incomplete") == 0
    assert done == []

    # When a class that takes both is deployed, and the job is tried again
    deploy({"order_id": int | str})
    assert list(await FailedJobs(queue).retry(handle.id)) == [handle.id]
    await work_off(queue)

    # Then it runs with what it was dispatched with
    assert done == [{"order_id": "abc"}]
    assert await FailedJobs(queue).count() == 0


@pytest.mark.parametrize(
    ("before", "payload", "after", "message"),
    [
        (
            {"order_id": int},
            {"order_id": 7},
            {"order_id": int, "note": str},
            "SendInvoice.note: the queue has no value, it has to be str",
        ),
        (
            {"order_id": int, "note": str},
            {"order_id": 7, "note": "x"},
            {"order_id": int},
            "SendInvoice.note: the queue has 'x', the class has no field of that name",
        ),
        (
            {"lines": list[int]},
            {"lines": [1, 2]},
            {"lines": list[str]},
            "SendInvoice.lines[0]: the queue has 1: expected str, got int",
        ),
    ],
    ids=["added", "removed", "changed inside"],
)
async def test_what_no_longer_fits_is_named(  # noqa: PLR0917 - a table's columns
    queue: RedisQueue,
    deploy: Deploy,
    before: dict[str, Any],
    payload: dict[str, Any],
    after: dict[str, Any],
    message: str,
) -> None:
    handle = await deploy(before).dispatch(**payload)
    deploy(after)

    await try_once(queue)

    assert (await parked(queue, handle)).startswith(message)


async def test_a_free_payload_that_hides_a_new_method_is_parked(
    queue: RedisQueue, deploy: Deploy
) -> None:
    handle = await deploy({}).dispatch(send=1)
    deploy({}, send=lambda self: None)

    await try_once(queue)

    assert (await parked(queue, handle)).startswith(
        "SendInvoice.send: a payload may not overwrite a method or property"
    )


async def test_a_field_that_is_new_with_a_default_is_no_trouble(
    queue: RedisQueue, deploy: Deploy, done: list[dict[str, Any]], work_off: WorkOff
) -> None:
    await deploy({"order_id": int}).dispatch(order_id=7)
    deploy({"order_id": int, "note": str}, note="none")

    await work_off(queue)

    assert done == [{"order_id": 7, "note": "none"}]


async def test_a_worker_of_the_former_version_parks_what_it_does_not_know(
    queue: RedisQueue, deploy: Deploy
) -> None:
    # Given a job of the newer class, in a deploy that is not over
    fields = {"order_id": int, "urgent": bool}
    handle = await deploy(fields, urgent=False).dispatch(order_id=7, urgent=True)
    deploy({"order_id": int})

    # When a worker that still runs the former code gets it
    await try_once(queue)

    # Then nothing of it is lost
    assert "deploy a class that has the field" in await parked(queue, handle)
    job = await queue.job(handle.id)
    assert job is not None
    assert job.kwargs is not None
    assert job.kwargs["payload"] == {"order_id": 7, "urgent": True}


def test_the_error_is_a_failure_and_an_invalid_payload() -> None:
    assert issubclass(PayloadOutdated, InvalidPayload)
    assert issubclass(PayloadOutdated, Fail)
