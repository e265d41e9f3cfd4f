"""What those who know SAQ rely on, as its own tests describe it, and what differs.

Enqueuing, claiming, ending, canceling and hooks have tests of their own beside this
file; here is the rest. The differences are told in docs/differences-from-saq.md.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status
from saq.queue import JobError, Queue

from jtc.queue import InvalidQueueName, InvalidRedisUrl, RedisQueue, Worker

Context = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]

where: contextvars.ContextVar[str] = contextvars.ContextVar("where")


async def echo(ctx: Context, *, a: int) -> int:
    return a


async def error(ctx: Context) -> None:
    raise ValueError("oops")


async def sleeper(ctx: Context, *, sleep: float = 60) -> None:
    await asyncio.sleep(sleep)


# -- jobs ------------------------------------------------------------------------------


async def test_enqueuing_a_job_that_waits_brings_it_up_to_date(
    queue: RedisQueue,
) -> None:
    job = await queue.enqueue("echo", key="one", a=1)
    assert job is not None
    await job.update(progress=0.5)
    again = saq.Job("echo", key="one", queue=queue)
    await again.enqueue()
    assert (again.kwargs, again.progress) == ({"a": 1}, 0.5)
    assert await queue.enqueue(again) is None
    assert await queue.count("queued") == 1


async def test_refreshing_what_is_not_there_is_an_error(queue: RedisQueue) -> None:
    with pytest.raises(RuntimeError, match="doesn't exist"):
        await saq.Job("echo", queue=queue).refresh()


async def test_waiting_for_a_job_that_keeps_no_result_ends_with_it(
    queue: RedisQueue, working: Any
) -> None:
    job = await queue.enqueue("sleeper", sleep=0.2, ttl=-1)
    assert job is not None
    async with working(Worker(queue, [sleeper])):
        with pytest.raises(RuntimeError, match="doesn't exist"):
            await asyncio.wait_for(job.refresh(until_complete=60), 20)


async def test_an_update_says_when_the_job_was_touched(queue: RedisQueue) -> None:
    job = await queue.enqueue("echo", key="one", a=1)
    assert job is not None
    assert job.touched == 0
    await asyncio.gather(job.refresh(), job.update())
    stored = await queue.job("one")
    assert stored is not None
    assert stored.touched > 0


async def test_the_durations_of_a_job_that_has_run_are_known(queue: RedisQueue) -> None:
    await queue.enqueue("echo", key="one", a=1)
    await Worker(queue, [echo], burst=True).start()
    job = await queue.job("one")
    assert job is not None
    durations = [job.duration(kind) for kind in ("start", "process", "total")]
    assert [d is not None and d >= 0 for d in durations] == [True] * 3
    assert job.progress == 1.0


async def test_a_job_that_waits_for_its_next_try_has_neither_begun_nor_ended(
    queue: RedisQueue,
) -> None:
    await queue.enqueue("error", key="one", retries=2)
    worker = Worker(queue, [error])
    assert await worker.process()
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 1)
    assert (job.started, job.completed, job.result) == (0, 0, None)
    assert await worker.process()
    await job.refresh()
    assert (job.status, job.attempts) == (Status.FAILED, 2)
    assert 'ValueError("oops")' in (job.error or "")


@pytest.mark.parametrize("key", ["a", "a:b"])
def test_a_key_is_found_in_the_id(queue: RedisQueue, key: str) -> None:
    assert queue.job_id(key) == f"saq:job:default:{key}"
    assert queue.job_key_from_id(queue.job_id(key)) == key


async def test_an_aborted_job_says_so_itself(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    waits = await queue.enqueue("sleeper", key="waits", scheduled=4_000_000_000)
    runs = await queue.enqueue("sleeper", key="runs")
    ended = await queue.enqueue("echo", key="ended", a=1)
    assert waits is not None
    assert runs is not None
    assert ended is not None
    async with working(Worker(queue, [sleeper, echo])):

        async def is_running() -> bool:
            await runs.refresh()
            return runs.status == Status.ACTIVE

        await eventually(is_running)
        await eventually(lambda: queue.complete == 1)
        for job in (waits, runs, ended):
            await job.abort("enough")
        states = [waits.status, runs.status, ended.status]
        assert states == [Status.ABORTED, Status.ABORTING, Status.QUEUED]
        await runs.refresh(until_complete=10)
    assert (runs.status, runs.error) == (Status.ABORTED, "enough")


# -- the queue -------------------------------------------------------------------------


async def test_a_queue_is_made_from_a_url(redis_url: str) -> None:
    queue = RedisQueue.from_url(redis_url, name="mail")
    assert await queue.enqueue("echo", a=1) is not None
    assert await queue.count("queued") == 1
    await queue.disconnect()
    # Its client repeats no call by itself
    assert queue.redis.connection_pool.connection_kwargs["retry"]._retries == 0
    with pytest.raises(InvalidRedisUrl):
        RedisQueue.from_url("http://localhost")
    with pytest.raises(InvalidQueueName):
        RedisQueue.from_url(redis_url, name="a:b")


async def test_the_queue_of_saqs_own_factory_reads_ours(
    redis_url: str, queue: RedisQueue
) -> None:
    await queue.enqueue("echo", key="one", a=1)
    theirs = Queue.from_url(redis_url)
    job = await theirs.job("one")
    assert job is not None
    assert job.kwargs == {"a": 1}
    await theirs.disconnect()


async def test_a_call_returns_the_result_or_raises_the_error(
    queue: RedisQueue, working: Any
) -> None:
    async with working(Worker(queue, [echo, error])):
        assert await queue.apply("echo", a=1) == 1
        assert await queue.apply("echo", a=1, ttl=-1) is None
        with pytest.raises(JobError, match="oops"):
            await queue.apply("error")
        with pytest.raises(TimeoutError):
            await queue.apply("sleeper", timeout=0.1)


async def test_a_map_returns_results_in_order(queue: RedisQueue, working: Any) -> None:
    async with working(Worker(queue, [echo, error])):
        assert await queue.map("echo", []) == []
        assert await queue.map("echo", [{"a": 1}, {"a": 2}]) == [1, 2]
        assert await queue.map("echo", [{}, {"a": 2}], timeout=10, a=3) == [3, 2]
        with pytest.raises(JobError):
            await queue.map("error", [{}, {}])
        failures = await queue.map("error", [{}, {}], return_exceptions=True)
        assert [type(failure) for failure in failures] == [JobError, JobError]
        # A job that is there already is waited for
        await queue.enqueue("echo", key="one", a=3, scheduled=1)
        assert await queue.map("echo", [{"a": 1, "key": "one"}]) == [3]


async def test_a_hook_before_enqueuing_can_be_taken_away(queue: RedisQueue) -> None:
    seen: list[str] = []

    async def note(job: saq.Job) -> None:
        seen.append(job.key)

    queue.register_before_enqueue(note)
    await queue.enqueue("echo", key="one")
    queue.unregister_before_enqueue(note)
    await queue.enqueue("echo", key="two")
    assert seen == ["one"]


async def test_a_batch_of_many_that_fails_is_canceled(queue: RedisQueue) -> None:
    jobs = [saq.Job("echo", key=str(n)) for n in range(3)]
    other = RedisQueue(queue.redis, "other")

    async def fail() -> None:
        async with queue.batch():
            await queue.enqueue_many([*jobs, saq.Job("echo", key="1")])
            await other.enqueue("echo")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await fail()
    assert [job.status for job in jobs] == [Status.ABORTED] * 3
    assert await queue.count("incomplete") == 0
    assert await other.count("incomplete") == 1


async def test_a_batch_that_ends_well_cancels_nothing(queue: RedisQueue) -> None:
    async with queue.batch():
        async with queue.batch():
            await queue.enqueue("echo")
        await queue.enqueue("echo")
    assert await queue.count("queued") == 2


async def test_all_jobs_can_be_walked_through_also_beside_what_is_none(
    redis: Redis, queue: RedisQueue
) -> None:
    for n in range(9):
        await queue.enqueue("echo", key=str(n))
    await queue.cancel("3")
    await redis.set(queue.job_id("bad"), b"{oops")
    await redis.set(queue.job_id("foreign"), b'{"queue":"other","key":"x"}')
    for size in (1, 2, 100):
        keys = {job.key async for job in queue.iter_jobs(batch_size=size)}
        assert keys == set("012345678")
    aborted = [job.key async for job in queue.iter_jobs(statuses=[Status.ABORTED])]
    assert aborted == ["3"]
    assert await queue.job("bad") is None
    with pytest.raises(ValueError, match="unknown type"):
        await queue.count("nothing")  # type: ignore[arg-type]


async def test_the_info_tells_of_workers_and_what_they_did(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    await queue.enqueue("echo", a=1)
    await queue.enqueue("error")
    worker = Worker(queue, [echo, error], id="w1", metadata={"zone": "b"})
    async with working(worker):
        await eventually(lambda: queue.complete + queue.failed == 2)
        await worker.worker_info()
        info = await queue.info()
    told: Any = info["workers"]["w1"]
    assert (told["queue_key"], told["metadata"]) == ("default", {"zone": "b"})
    assert (told["stats"]["complete"], told["stats"]["failed"]) == (1, 1)
    assert (info["queued"], info["active"], info["scheduled"]) == (0, 0, 0)


# -- the worker ------------------------------------------------------------------------


async def test_a_worker_can_be_started_again(queue: RedisQueue, working: Any) -> None:
    worker = Worker(queue, [echo])
    for n in range(2):
        async with working(worker):
            assert await queue.apply("echo", a=n) == n


@pytest.mark.parametrize(
    ("function", "fields", "seen"),
    [
        ("echo", {"a": 42}, (Status.COMPLETE, 42, True, "nothing")),
        ("error", {}, (Status.FAILED, None, True, "ValueError")),
        ("error", {"retries": 2}, (Status.QUEUED, None, False, "ValueError")),
        ("sleeper", {"timeout": 0.1}, (Status.FAILED, None, True, "JobTimeout")),
    ],
)
async def test_the_hook_after_a_job_sees_what_has_become_of_it(
    queue: RedisQueue, function: str, fields: dict[str, Any], seen: tuple[Any, ...]
) -> None:
    found: list[Any] = []

    async def after(ctx: Context) -> None:
        job: saq.Job = ctx["job"]
        error = type(ctx["exception"]).__name__ if "exception" in ctx else "nothing"
        found.append((job.status, job.result, job.completed > 0, error))
        assert not job.completed or (job.duration("process") or 0) >= 0

    await queue.enqueue(function, **fields)
    worker = Worker(queue, [echo, error, sleeper], after_process=after)
    assert await worker.process()
    assert found == [seen]


async def test_the_hook_after_a_canceled_job_sees_that_it_is_aborted(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    found: list[Status] = []
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        await asyncio.sleep(60)

    async def after(ctx: Context) -> None:
        found.append(ctx["job"].status)

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)], after_process=after)):
        await began.wait()
        await queue.cancel("one")
        await eventually(lambda: found)
    assert found == [Status.ABORTED]


async def test_nobody_sees_an_end_that_is_not_written_yet(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    # Given a job that has ended, and a hook after it that takes its time
    in_hook, may_end = asyncio.Event(), asyncio.Event()

    async def after(ctx: Context) -> None:
        in_hook.set()
        await may_end.wait()

    await queue.enqueue("echo", key="one", a=1)
    async with working(Worker(queue, [echo], after_process=after)):
        await in_hook.wait()
        # For long enough that a running job would be shown
        await asyncio.sleep(0.5)
        job = await queue.job("one")
        assert job is not None
        assert job.status == Status.QUEUED
        may_end.set()
        await eventually(lambda: queue.complete == 1)


@pytest.mark.parametrize("in_thread", [True, False])
async def test_a_variable_set_before_the_function_is_seen_in_it(
    queue: RedisQueue, in_thread: bool
) -> None:
    async def before(ctx: Context) -> None:
        where.set("123")

    def f(ctx: Context) -> str:
        return where.get()

    async def g(ctx: Context) -> str:
        return where.get()

    await queue.enqueue("f", key="one")
    worker = Worker(queue, [("f", f if in_thread else g)], before_process=before)
    assert await worker.process()
    job = await queue.job("one")
    assert job is not None
    assert job.result == "123"


async def test_a_mark_can_be_handed_on_from_job_to_job(
    queue: RedisQueue, working: Any
) -> None:
    async def before_enqueue(job: saq.Job) -> None:
        job.meta["trace"] = where.get("the first")

    async def before(ctx: Context) -> None:
        where.set(ctx["job"].meta["trace"])

    async def recurse(ctx: Context, *, n: int) -> list[str]:
        rest = await ctx["queue"].apply("recurse", n=n - 1) if n else []
        return [where.get(), *rest]

    queue.register_before_enqueue(before_enqueue)
    worker = Worker(queue, [("recurse", recurse)], before_process=before)
    async with working(worker):
        assert await queue.apply("recurse", n=2) == ["the first"] * 3


async def test_processing_in_the_foreground_says_whether_there_was_a_job(
    queue: RedisQueue,
) -> None:
    worker = Worker(queue, [echo])
    assert not await worker.process()
    await queue.enqueue("echo", a=1)
    assert await worker.process()
    assert not await worker.process()
