from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

import pytest

from jtc.jobs import (
    InvalidPayload,
    Job,
    JobHandle,
    JobManager,
    NotAJob,
    default_container,
    runner,
    set_container,
)
from jtc.queue import RedisQueue

WorkOff = Callable[[RedisQueue], Awaitable[None]]


class SendInvoice(Job, timeout=2.5, tries=5, backoff=2.0, name="dispatched_invoice"):
    order_id: int

    async def handle(self) -> int:
        return self.order_id


class Mail(Job, queue="mail-of-this-test"):
    async def handle(self) -> None: ...


class ProcessOrderJob(Job):
    async def handle(self) -> None: ...


class Unkept(Job, result_ttl=0):
    async def handle(self) -> None: ...


async def test_a_dispatched_job_is_one_call_of_the_runner(queue: RedisQueue) -> None:
    handle = await SendInvoice.dispatch(order_id=7)

    job = await queue.job(handle.id)
    assert job is not None
    assert (job.function, job.kwargs) == (
        "runner",
        {"job_class": "dispatched_invoice", "payload": {"order_id": 7}},
    )
    assert (job.timeout, job.retries, job.retry_delay, job.ttl) == (3, 5, 2.0, 600)
    assert job.retry_backoff is False


async def test_dispatch_returns_a_handle(queue: RedisQueue) -> None:
    handle = assert_type(await SendInvoice.dispatch(order_id=7), JobHandle)

    assert handle.queue_name == queue.name
    assert handle.created
    assert await handle.status() == "queued"


async def test_each_job_has_an_id_of_its_own(queue: RedisQueue) -> None:
    first = await ProcessOrderJob.dispatch(order_id=123)
    second = await ProcessOrderJob.dispatch(order_id=123)

    assert first.id != second.id
    assert await queue.count("queued") == 2


async def test_a_class_has_its_own_queue(queue: RedisQueue) -> None:
    handle = await Mail.dispatch()

    assert handle.queue_name == "mail-of-this-test"
    assert await queue.count("queued") == 0
    assert await JobManager.get_queue("mail-of-this-test").job(handle.id)
    assert await handle.cancel()


async def test_a_class_without_a_name_is_sent_by_its_path(queue: RedisQueue) -> None:
    handle = await ProcessOrderJob.dispatch(order_id=123)

    job = await queue.job(handle.id)
    assert job is not None
    assert job.kwargs is not None
    assert job.kwargs["job_class"] == f"{__name__}.ProcessOrderJob"


async def test_a_result_that_is_not_to_be_kept_is_not(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handle = await Unkept.dispatch()
    await work_off(queue)

    assert await handle.status() == "unknown"


async def test_an_invalid_payload_enqueues_nothing(queue: RedisQueue) -> None:
    with pytest.raises(InvalidPayload):
        await SendInvoice.dispatch(order_id="x")

    assert await queue.count("incomplete") == 0


@pytest.mark.fault("H30")
async def test_payload_names_do_not_clash_with_parameters(queue: RedisQueue) -> None:
    names = ("cls", "self", "key", "status", "timeout", "meta", "function", "kwargs")

    handle = await ProcessOrderJob.dispatch(**dict.fromkeys(names, 1))

    job = await queue.job(handle.id)
    assert job is not None
    assert job.kwargs is not None
    assert job.kwargs["payload"] == dict.fromkeys(names, 1)


async def test_many_are_dispatched_in_order(queue: RedisQueue) -> None:
    handles = await SendInvoice.dispatch_many({"order_id": n} for n in range(3))

    jobs = [await queue.job(handle.id) for handle in handles]
    assert [
        job.kwargs["payload"]["order_id"] for job in jobs if job and job.kwargs
    ] == [
        0,
        1,
        2,
    ]
    assert all(handle.created for handle in handles)


async def test_none_of_many_is_dispatched_when_one_is_invalid(
    queue: RedisQueue,
) -> None:
    with pytest.raises(InvalidPayload) as caught:
        await SendInvoice.dispatch_many([{"order_id": 1}, {"order_id": "x"}])

    assert caught.value.__notes__ == ["It was payload 1 of the batch, counted from 0."]
    assert await queue.count("incomplete") == 0


async def test_an_empty_batch_is_no_work(queue: RedisQueue) -> None:
    assert await SendInvoice.dispatch_many([]) == []


async def test_a_class_without_handle_cannot_be_dispatched(queue: RedisQueue) -> None:
    class Base(Job): ...

    with pytest.raises(NotAJob, match="does not define handle"):
        await Base.dispatch()
    with pytest.raises(NotAJob):
        await Base.dispatch_many([{}])
    assert await queue.count("incomplete") == 0


async def test_a_job_may_dispatch_another(queue: RedisQueue, work_off: WorkOff) -> None:
    class First(Job):
        async def handle(self) -> str:
            return (await SendInvoice.dispatch(order_id=5)).id

    first = await First.dispatch()
    await work_off(queue)

    second = JobHandle(await first.result(timeout=5), queue.name)
    assert await second.result(timeout=5) == 5


async def test_a_task_may_dispatch_a_job(queue: RedisQueue) -> None:
    async def nightly(ctx: dict[str, Any]) -> str:
        return (await SendInvoice.dispatch(order_id=5)).id

    assert await queue.job(await nightly({"queue": queue}))


async def test_dispatch_may_be_replaced_by_a_direct_call_in_a_test() -> None:
    set_container(default_container())

    payload = {"order_id": 3}

    assert await runner({}, job_class="dispatched_invoice", payload=payload) == 3
