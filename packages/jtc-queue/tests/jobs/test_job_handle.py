from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from saq.job import Status

from jtc.jobs import (
    Job,
    JobFailed,
    JobHandle,
    JobNotFound,
    ResultTimeout,
)
from jtc.queue import RedisQueue, Worker

AtWork = Callable[..., AbstractAsyncContextManager[Worker]]
Eventually = Callable[..., Awaitable[Any]]
WorkOff = Callable[[RedisQueue], Awaitable[None]]


class Double(Job):
    number: int

    async def handle(self) -> int:
        return self.number * 2


class Broken(Job):
    async def handle(self) -> None:
        message = "no more paper"
        raise LookupError(message)


class Endless(Job):
    async def handle(self) -> None:
        await asyncio.Event().wait()


async def test_the_result_of_a_finished_job(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handle = await Double.dispatch(number=21)
    await work_off(queue)

    assert await handle.status() == "complete"
    assert await handle.result(timeout=0) == 42
    assert await handle.cancel() is False


async def test_a_result_is_waited_for(queue: RedisQueue, work_off: WorkOff) -> None:
    handle = await Double.dispatch(number=21)
    waiting = asyncio.create_task(handle.result())
    # Long enough for the waiting task to have looked and found nothing yet.
    await asyncio.sleep(0.05)
    assert not waiting.done()

    await work_off(queue)

    assert await asyncio.wait_for(waiting, 10) == 42


async def test_a_failed_job_raises_its_stored_error(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handle = await Broken.dispatch()
    await work_off(queue)

    assert await handle.status() == "failed"
    with pytest.raises(
        JobFailed, match=rf"Job {handle.id} failed: LookupError: no more paper"
    ) as caught:
        await handle.result(timeout=5)
    assert caught.value.job_id == handle.id
    assert caught.value.error is not None
    assert caught.value.error.startswith("Traceback")


async def test_a_failure_without_a_stored_reason_is_a_failure(
    queue: RedisQueue,
) -> None:
    handle = await Double.dispatch(number=1)
    job = await queue.job(handle.id)
    assert job is not None
    job.status, job.error = Status.FAILED, None
    await queue.redis.set(job.id, queue.serialize(job))

    with pytest.raises(JobFailed, match="no reason was stored"):
        await handle.result()


async def test_waiting_too_long_names_the_job(queue: RedisQueue) -> None:
    handle = await Double.dispatch(number=21)

    for timeout in (0, 0.05):
        with pytest.raises(
            TimeoutError, match=rf"Job {handle.id} did not end within .* it is queued"
        ) as caught:
            await handle.result(timeout=timeout)
        assert isinstance(caught.value, ResultTimeout)


async def test_a_job_that_nobody_knows_is_unknown(queue: RedisQueue) -> None:
    handle = JobHandle("gone", queue.name)

    assert await handle.status() == "unknown"
    assert await handle.cancel() is False
    with pytest.raises(LookupError, match="Job gone is not in queue") as caught:
        await handle.result()
    assert isinstance(caught.value, JobNotFound)


async def test_a_waiting_job_can_be_canceled(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handle = await Double.dispatch(number=21)

    assert await handle.cancel() is True
    await work_off(queue)

    assert await handle.status() == "aborted"
    with pytest.raises(JobFailed, match="aborted: canceled"):
        await handle.result(timeout=5)


async def test_a_running_job_is_active_and_can_be_canceled(
    queue: RedisQueue, at_work: AtWork, eventually: Eventually
) -> None:
    async with at_work(queue):
        handle = await Endless.dispatch()
        await eventually(functools.partial(_is_active, handle))

        assert await handle.cancel() is True

        with pytest.raises(JobFailed, match="aborted: canceled"):
            await handle.result(timeout=10)


async def test_a_handle_works_in_another_loop(queue: RedisQueue) -> None:
    handle = await Double.dispatch(number=21)

    status = await asyncio.to_thread(lambda: asyncio.run(handle.status()))

    assert status == "queued"


def test_a_handle_is_a_value() -> None:
    handle = JobHandle("a", "default")

    assert handle == JobHandle("a", "default", created=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        handle.id = "b"  # type: ignore[misc]


async def _is_active(handle: JobHandle) -> bool:
    return await handle.status() == "active"
