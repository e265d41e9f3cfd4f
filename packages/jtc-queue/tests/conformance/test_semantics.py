"""H22 to H36, as far as they are about what a call means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import DuplicateFunction, RedisQueue, UnnamedFunction, Worker

Context = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]


@pytest.mark.fault("H31")
async def test_a_running_job_that_reports_its_progress_does_not_undo_its_cancellation(
    engine: Any, queue: Any, working: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        for step in range(1000):
            await asyncio.sleep(0.005)
            await ctx["job"].update(progress=step / 1000)

    async def is_aborted() -> bool:
        job = await queue.job("one")
        return bool(job.status == Status.ABORTED and job.completed)

    job = await queue.enqueue("f", key="one", timeout=60)
    async with working(engine.worker(queue, ("f", f))):
        await began.wait()
        await job.abort("enough")
        await eventually(is_aborted, within=4)
    assert (await queue.job("one")).error == "enough"


@pytest.mark.fault("H31")
async def test_a_late_report_does_not_bring_an_ended_job_back(
    redis: Redis, engine: Any, queue: Any
) -> None:
    late: list[Any] = []

    async def f(ctx: Context) -> str:
        late.append(ctx["job"])
        return "done"

    await queue.enqueue("f", key="one", ttl=60)
    await engine.worker(queue, ("f", f), burst=True).start()
    # When somebody who still has the job reports
    await late[0].update(status=Status.ACTIVE, progress=0.1)
    # Then
    job = await queue.job("one")
    assert (job.status, job.result) == (Status.COMPLETE, "done")
    assert await redis.ttl(job.id) > 0


@pytest.mark.fault("H32")
async def test_a_batch_that_fails_cancels_its_own_jobs_only(queue: Any) -> None:
    inside, enqueued = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        async with queue.batch():
            await asyncio.gather(
                *(queue.enqueue("f", key=f"mine{n}") for n in range(3))
            )
            # Whose key is taken is somebody else's
            assert await queue.enqueue("f", key="before") is None
            inside.set()
            await enqueued.wait()
            raise ValueError("boom")

    async def enqueue_meanwhile() -> None:
        await inside.wait()
        await queue.enqueue("f", key="meanwhile")
        enqueued.set()

    await queue.enqueue("f", key="before")
    results = await asyncio.gather(fail(), enqueue_meanwhile(), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    keys = ["mine0", "mine1", "mine2", "before", "meanwhile"]
    states = [job.status for job in await queue.jobs(keys)]
    assert states == [Status.ABORTED] * 3 + [Status.QUEUED] * 2


@pytest.mark.fault("H32")
async def test_a_batch_that_is_canceled_leaves_nothing_behind(queue: Any) -> None:
    inside = asyncio.Event()

    async def enqueue_and_wait() -> None:
        async with queue.batch():
            await queue.enqueue("f", key="first")
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(enqueue_and_wait())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await queue.count("incomplete") == 0


@pytest.mark.fault("H32")
async def test_a_batch_canceled_in_the_middle_of_an_enqueue_leaves_nothing_behind(
    queue: Any,
) -> None:
    async def enqueue_many() -> None:
        async with queue.batch():
            await asyncio.gather(*(queue.enqueue("f") for _ in range(20)))
            await asyncio.sleep(60)

    for steps in range(6):
        task = asyncio.create_task(enqueue_many())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await queue.count("incomplete") == 0, f"after {steps} steps"


@pytest.mark.fault("H34")
@pytest.mark.parametrize("call", ["apply", "map"])
async def test_a_job_that_somebody_waits_for_has_a_time_limit(
    engine: Any, queue: Any, working: Any, call: str
) -> None:
    limits: list[Any] = []

    async def f(ctx: Context) -> int:
        limits.append(ctx["job"].timeout)
        return 42

    async with working(engine.worker(queue, ("f", f))):
        if call == "apply":
            assert await asyncio.wait_for(queue.apply("f"), 10) == 42
        else:
            assert await asyncio.wait_for(queue.map("f", [{}]), 10) == [42]
    assert limits == [300]


class Nameless:
    """A function without a name."""

    async def __call__(self, ctx: Context) -> None: ...


@pytest.mark.fault("H36")
def test_a_function_without_a_name_is_refused_with_what_to_do(
    redis_url: str,
) -> None:
    queue = RedisQueue.from_url(redis_url)
    with pytest.raises(UnnamedFunction, match=r"\('a_name', function\)"):
        Worker(queue, [Nameless()])


@pytest.mark.fault("H4", "H36")
def test_two_functions_of_one_name_are_refused(redis_url: str) -> None:
    async def other(ctx: Context) -> None: ...

    queue = RedisQueue.from_url(redis_url)
    same = Nameless()
    assert Worker(queue, [("f", same), ("f", same)]).functions == {"f": same}
    with pytest.raises(DuplicateFunction, match="'f'"):
        Worker(queue, [("f", same), ("f", other)])
