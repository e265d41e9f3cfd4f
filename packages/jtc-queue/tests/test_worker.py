from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import saq
from redis.asyncio import Redis
from saq.job import Status

from jtc.queue import NotRunnableHere, RedisQueue, Worker, upkeep
from jtc.queue.claiming import WAIT

Eventually = Callable[..., Awaitable[Any]]
Context = dict[str, Any]


async def ended(queue: RedisQueue, key: str = "one") -> saq.Job:
    job = await queue.job(key)
    assert job is not None
    assert job.completed, f"it is {job.status}"
    return job


async def run(queue: RedisQueue, *functions: Any, **options: Any) -> Worker:
    """Run a worker until the queue is empty."""
    worker = Worker(queue, functions, burst=True, **options)
    await worker.start()
    return worker


class Doubler:
    def __call__(self, ctx: Context, *, n: int) -> int:
        return 2 * n


class AsyncDoubler:
    async def __call__(self, ctx: Context, *, n: int) -> int:
        return 2 * n


async def double(ctx: Context, *, n: int) -> int:
    return 2 * n


def double_in_thread(ctx: Context, *, n: int) -> int:
    assert threading.current_thread() is not threading.main_thread()
    return 2 * n


def wrapped_double(*args: Any, **kwargs: Any) -> Any:
    return double(*args, **kwargs)


async def times(ctx: Context, factor: int, *, n: int) -> int:
    return factor * n


@pytest.mark.parametrize(
    "function",
    [
        double,
        double_in_thread,
        Doubler(),
        AsyncDoubler(),
        functools.partial(double),
        functools.partial(double_in_thread),
        functools.partial(AsyncDoubler()),
        functools.partial(times, factor=2),
        wrapped_double,
        lambda ctx, n: 2 * n,
    ],
)
@pytest.mark.fault("H36")
async def test_every_kind_of_function_runs(queue: RedisQueue, function: Any) -> None:
    await queue.enqueue("f", key="one", n=21)
    await run(queue, ("f", function))
    job = await ended(queue)
    assert (job.status, job.result, job.error) == (Status.COMPLETE, 42, None)


async def test_a_function_is_known_by_its_qualified_name(queue: RedisQueue) -> None:
    await queue.enqueue("double", key="one", n=1)
    await run(queue, double)
    assert (await ended(queue)).result == 2


async def test_the_context_says_who_runs_what(queue: RedisQueue) -> None:
    seen: list[Context] = []

    async def f(ctx: Context) -> None:
        seen.append(dict(ctx))

    async def startup(ctx: Context) -> None:
        ctx["database"] = "open"

    await queue.enqueue("f", key="one")
    worker = await run(queue, ("f", f), id="w1", startup=startup)
    (ctx,) = seen
    assert ctx["worker"] is worker
    assert ctx["queue"] is queue
    assert ctx["job"].key == "one"
    assert (ctx["job"].attempts, ctx["job"].worker_id) == (1, "w1")
    assert ctx["database"] == "open"
    assert "tick" not in ctx


@pytest.mark.parametrize(
    "tick",
    [
        {"symbol": "XYZ"},
        {"name": "XYZ", "nominal": "soon"},
        # No `datetime` can tell it.
        {"name": "XYZ", "nominal": 1e300},
        {"name": "XYZ", "nominal": -(10**12)},
    ],
)
async def test_a_meta_that_only_looks_like_a_ticks_is_the_users(
    queue: RedisQueue, tick: dict[str, Any]
) -> None:
    seen: list[Context] = []

    async def f(ctx: Context) -> None:
        seen.append(dict(ctx))

    await queue.enqueue("f", key="one", meta={"tick": tick})
    await run(queue, ("f", f))
    assert (await ended(queue)).status == Status.COMPLETE
    assert "tick" not in seen[0]


async def test_no_more_jobs_run_at_once_than_the_concurrency(
    queue: RedisQueue,
) -> None:
    running = most = 0

    async def f(ctx: Context) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    await queue.enqueue_many([saq.Job("f") for _ in range(60)])
    await run(queue, ("f", f), concurrency=4)
    assert most == 4
    assert queue.complete == 60


@pytest.mark.fault("H14")
async def test_synchronous_jobs_run_beside_each_other(queue: RedisQueue) -> None:
    # More of them than a pool of the usual size has threads
    together = threading.Barrier(40, timeout=30)

    def f(ctx: Context) -> None:
        together.wait()

    await queue.enqueue_many([saq.Job("f", key=str(n)) for n in range(40)])
    await run(queue, ("f", f), concurrency=40)
    assert queue.complete == 40


async def test_hooks_run_around_everything_in_order(queue: RedisQueue) -> None:
    calls: list[str] = []

    def note(word: str) -> Any:
        async def hook(ctx: Context) -> None:
            calls.append(word)

        return hook

    def note_in_thread(ctx: Context) -> None:
        calls.append("also before")

    await queue.enqueue("f", key="one")
    await run(
        queue,
        ("f", note("run")),
        startup=note("startup"),
        before_process=[note("before"), note_in_thread],
        after_process=note("after"),
        shutdown=[note("shutdown"), note("closed")],
    )
    assert calls == [
        "startup",
        "before",
        "also before",
        "run",
        "after",
        "shutdown",
        "closed",
    ]


async def test_an_error_before_the_function_fails_the_attempt(
    queue: RedisQueue,
) -> None:
    ran: list[str] = []

    async def f(ctx: Context) -> None:
        ran.append("f")

    async def before(ctx: Context) -> None:
        raise LookupError("no database")

    async def after(ctx: Context) -> None:
        ran.append(f"after {ctx['exception']}")

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f), before_process=before, after_process=after)
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert "LookupError: no database" in (job.error or "")
    assert ran == ["after no database"]


@pytest.mark.parametrize("error", [ValueError("late"), asyncio.CancelledError()])
async def test_an_error_after_the_function_is_logged(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    async def after(ctx: Context) -> None:
        raise error

    await queue.enqueue("f", key="one", n=1)
    await run(queue, ("f", double), after_process=after)
    assert (await ended(queue)).result == 2
    actions = [record.__dict__.get("action") for record in caplog.records]
    assert "after_process_failed" in actions


async def test_the_hook_after_sees_the_error(queue: RedisQueue) -> None:
    seen: list[Any] = []

    async def f(ctx: Context, *, kind: str) -> None:
        if kind == "slow":
            await asyncio.sleep(60)
        raise ValueError("boom")

    async def after(ctx: Context) -> None:
        seen.append(type(ctx["exception"]).__name__)

    await queue.enqueue("f", kind="bad")
    await queue.enqueue("f", kind="slow", timeout=0.05)
    await run(queue, ("f", f), after_process=after, concurrency=1)
    assert seen == ["ValueError", "JobTimeout"]


async def test_a_hook_that_outlasts_the_timeout_does_not_undo_the_job(
    queue: RedisQueue,
) -> None:
    async def after(ctx: Context) -> None:
        await asyncio.sleep(0.5)

    await queue.enqueue("f", key="one", n=1, timeout=0.1)
    await run(queue, ("f", double), after_process=after)
    assert (await ended(queue)).result == 2


async def test_an_attempt_past_its_timeout_fails(queue: RedisQueue) -> None:
    async def f(ctx: Context) -> None:
        await asyncio.sleep(60)

    await queue.enqueue("f", key="one", timeout=0.1)
    await run(queue, ("f", f))
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert "longer than its timeout of 0.1 s" in (job.error or "")


async def test_an_attempt_past_its_timeout_is_tried_again(queue: RedisQueue) -> None:
    async def f(ctx: Context) -> str:
        if ctx["job"].attempts == 1:
            await asyncio.sleep(60)
        return "second"

    await queue.enqueue("f", key="one", timeout=0.1, retries=2)
    await run(queue, ("f", f))
    job = await ended(queue)
    assert (job.result, job.attempts) == ("second", 2)


async def test_a_time_out_of_the_function_itself_is_an_ordinary_error(
    queue: RedisQueue,
) -> None:
    async def f(ctx: Context) -> None:
        raise TimeoutError("the printer does not answer")

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    error = (await ended(queue)).error or ""
    assert "TimeoutError: the printer does not answer" in error


@pytest.mark.parametrize("none", [0, None])
async def test_a_job_without_a_timeout_runs(queue: RedisQueue, none: Any) -> None:
    await queue.enqueue("f", key="one", n=1, timeout=none)
    await run(queue, ("f", double))
    assert (await ended(queue)).result == 2


@pytest.mark.fault("H13")
async def test_a_job_that_raises_cancelled_error_itself_ends(
    queue: RedisQueue,
) -> None:
    async def f(ctx: Context) -> None:
        raise asyncio.CancelledError

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert "raised CancelledError although nobody canceled it" in (job.error or "")


@pytest.mark.parametrize("in_thread", [True, False])
async def test_a_job_that_calls_sys_exit_fails_and_the_worker_goes_on(
    queue: RedisQueue, in_thread: bool
) -> None:
    def leave(ctx: Context) -> None:
        sys.exit(3)

    async def leave_async(ctx: Context) -> None:
        sys.exit(3)

    await queue.enqueue("leave", key="one")
    await queue.enqueue("double", key="two", n=1)
    await run(queue, ("leave", leave if in_thread else leave_async), double)
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert "SystemExit: 3" in (job.error or "")
    assert (await ended(queue, "two")).result == 2


async def test_stop_iteration_in_a_thread_is_an_error_like_any_other(
    queue: RedisQueue,
) -> None:
    def f(ctx: Context) -> None:
        next(iter(()))

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    assert (await ended(queue)).status == Status.FAILED


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text form")


@pytest.mark.parametrize("error", [Unspeakable(), ValueError("\udc80 name")])
async def test_an_error_without_a_text_form_fails_the_job(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    # The traceback could not be sent to another process that reports on the tests.
    caplog.set_level(logging.CRITICAL, "jtc.queue")

    async def f(ctx: Context) -> None:
        raise error

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    assert (await ended(queue)).status == Status.FAILED


async def test_an_error_while_an_end_is_decided_keeps_no_slot(
    queue: RedisQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a filter of the logs that raises
    def refuse(record: logging.LogRecord) -> bool:
        raise KeyError("tenant")

    async def fail(ctx: Context) -> None:
        raise ValueError("boom")

    monkeypatch.setattr(logging.getLogger("jtc.queue.failure_log"), "filters", [refuse])
    await queue.enqueue("f", key="one")
    # When a job fails, the worker's burst ends all the same
    await asyncio.wait_for(run(queue, ("f", fail)), 30)
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert job.error == "undecided: KeyError in the worker"


async def test_a_failed_job_keeps_the_traceback_of_its_function_only(
    queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    async def f(ctx: Context) -> None:
        raise ValueError("boom")

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    error = (await ended(queue)).error or ""
    assert error.count("  File ") == 1
    assert 'raise ValueError("boom")' in error
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.__dict__["action"] == "attempt_failed"
    assert "failed after attempt 1 of 1: ValueError: boom" in record.getMessage()


async def test_wrong_arguments_fail_the_job(queue: RedisQueue) -> None:
    await queue.enqueue("double", key="one", m=1)
    await run(queue, double)
    assert "unexpected keyword argument 'm'" in ((await ended(queue)).error or "")


async def test_a_job_is_tried_as_often_as_it_may(queue: RedisQueue) -> None:
    attempts: list[int] = []

    async def f(ctx: Context) -> None:
        attempts.append(ctx["job"].attempts)
        raise ValueError("boom")

    await queue.enqueue("f", key="one", retries=3)
    await run(queue, ("f", f))
    assert attempts == [1, 2, 3]
    assert (queue.retried, queue.failed) == (2, 1)
    assert (await ended(queue)).attempts == 3


async def test_a_retry_waits_for_its_backoff(
    redis: Redis, queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    began: list[float] = []

    async def f(ctx: Context) -> None:
        seconds, micros = await redis.time()
        began.append(seconds + micros / 1e6)
        if len(began) < 3:
            raise ValueError("boom")

    await queue.enqueue("f", retries=3, retry_delay=0.3)
    async with working(Worker(queue, [("f", f)])):
        await eventually(lambda: queue.complete == 1)
    gaps = [b - a for a, b in itertools.pairwise(began)]
    assert len(gaps) == 2
    assert min(gaps) >= 0.3


@pytest.mark.fault("H21")
async def test_a_job_of_an_unknown_function_is_given_back_without_spending_a_try(
    redis: Redis, queue: RedisQueue, caplog: pytest.LogCaptureFixture
) -> None:
    await queue.enqueue("g", key="one")
    await run(queue, double)
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    assert "no function 'g'. Known functions: double." in job.meta["unresolvable"]
    wait = await queue.promote()
    assert wait is not None
    assert 5 < wait <= 10
    assert [r.__dict__.get("action") for r in caplog.records] == ["attempt_release"]
    # When another worker knows it
    await redis.zadd(queue.keys.incomplete, {job.id: 1})
    await queue.promote()
    await run(queue, ("g", Doubler()), ("double", double))
    assert (await ended(queue)).status == Status.FAILED  # n is missing: it ran


async def test_a_job_that_nobody_could_run_for_an_hour_fails(
    queue: RedisQueue,
) -> None:
    an_hour_ago = int(time.time() * 1000) - 3_601_000
    await queue.enqueue("g", key="one", meta={"unresolvable_since": an_hour_ago})
    await run(queue, double)
    job = await ended(queue)
    assert job.status == Status.FAILED
    assert (job.error or "").startswith("unresolvable: This worker has no function 'g'")


async def test_a_function_may_say_that_another_worker_can_run_its_job(
    queue: RedisQueue,
) -> None:
    async def f(ctx: Context) -> None:
        raise NotRunnableHere("no graphics card")

    await queue.enqueue("f", key="one")
    await run(queue, ("f", f))
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    assert job.meta["unresolvable"] == "no graphics card"


async def test_process_runs_one_job_in_the_foreground(queue: RedisQueue) -> None:
    worker = Worker(queue, [("f", double)])
    assert not await worker.process()
    await queue.enqueue("f", key="one", n=1)
    await queue.enqueue("f", key="two", n=2)
    assert await worker.process()
    assert (await ended(queue)).result == 2
    assert await queue.count("queued") == 1


async def test_process_observes_the_timeout(queue: RedisQueue) -> None:
    async def f(ctx: Context) -> None:
        await asyncio.sleep(60)

    await queue.enqueue("f", key="one", timeout=0.1)
    assert await Worker(queue, [("f", f)]).process()
    assert (await ended(queue)).status == Status.FAILED


async def test_a_burst_runs_what_its_jobs_enqueue_and_ends(queue: RedisQueue) -> None:
    async def f(ctx: Context, *, n: int) -> None:
        await asyncio.sleep(0.02)
        if n:
            await ctx["queue"].enqueue("f", n=n - 1)

    await queue.enqueue("f", n=5)
    await run(queue, ("f", f), concurrency=3)
    assert queue.complete == 6
    assert await queue.count("incomplete") == 0


async def test_a_burst_leaves_no_worker_behind(redis: Redis, queue: RedisQueue) -> None:
    await run(queue, double)
    assert await redis.zcard(queue.keys.workers) == 0


async def test_a_job_reaches_a_waiting_worker_without_a_poll(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queue, [("f", double)])):
        for n in range(20):
            await queue.enqueue("f", key=str(n), n=n)
            await eventually(lambda n=n: queue.complete == n + 1, within=WAIT / 2)


async def test_a_worker_at_rest_asks_the_server_little(
    redis: Redis, queue: RedisQueue, working: Any
) -> None:
    async with working(Worker(queue, [("f", double)], concurrency=20)):
        await asyncio.sleep(0.3)
        await redis.config_resetstat()
        await asyncio.sleep(1.5)
        stats: dict[str, dict[str, int]] = await redis.info("commandstats")
    clients: dict[str, Any] = await redis.info("clients")
    calls = {name: value["calls"] for name, value in stats.items()}
    assert calls.get("cmdstat_evalsha", 0) <= 6
    assert calls.get("cmdstat_blmove", 0) <= 2
    assert clients["connected_clients"] < 12


async def test_a_worker_can_be_stopped_and_started_again(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    hooks: list[str] = []

    def startup(ctx: Context) -> None:
        hooks.append("startup")

    def shutdown(ctx: Context) -> None:
        hooks.append("shutdown")

    worker = Worker(queue, [("f", double)], startup=startup, shutdown=shutdown)
    for n in range(3):
        async with working(worker):
            await queue.enqueue("f", key=str(n), n=n)
            await eventually(lambda n=n: queue.complete == n + 1)
    assert hooks == ["startup", "shutdown"] * 3


async def test_a_worker_stopped_before_its_start_ends_at_once(
    queue: RedisQueue,
) -> None:
    worker = Worker(queue, [("f", double)])
    await worker.stop()
    await queue.enqueue("f", n=1)
    await worker.start()
    assert await queue.count("queued") == 1


async def test_two_who_stop_a_worker_both_wait_until_it_has_ended(
    queue: RedisQueue, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        await asyncio.sleep(0.2)

    await queue.enqueue("f", key="one")
    worker = Worker(queue, [("f", f)])
    task = asyncio.create_task(worker.start())
    await began.wait()
    await asyncio.gather(worker.stop(), worker.stop())
    assert (await ended(queue)).status == Status.COMPLETE
    await task


async def test_an_error_in_a_lifecycle_hook_ends_the_worker(queue: RedisQueue) -> None:
    closed: list[str] = []

    async def startup(ctx: Context) -> None:
        raise LookupError("no database")

    async def shutdown(ctx: Context) -> None:
        closed.append("shutdown")
        raise LookupError("not open")

    worker = Worker(queue, [], startup=startup, shutdown=shutdown)
    with pytest.raises(LookupError, match="not open"):
        await worker.start()
    assert closed == ["shutdown"]
    # Then nobody waits for it for ever
    await asyncio.wait_for(worker.stop(), 5)


async def test_a_worker_whose_start_is_canceled_gives_its_jobs_back(
    queue: RedisQueue,
) -> None:
    began = asyncio.Event()

    async def f(ctx: Context) -> None:
        began.set()
        await asyncio.sleep(60)

    await queue.enqueue("f", key="one")
    task = asyncio.create_task(Worker(queue, [("f", f)], grace=0).start())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    job = await queue.job("one")
    assert job is not None
    assert (job.status, job.attempts) == (Status.QUEUED, 0)
    assert await queue.count("queued") == 1


async def test_a_running_job_is_shown_as_active(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    release = asyncio.Event()

    async def f(ctx: Context) -> None:
        await release.wait()

    async def is_active() -> bool:
        job = await queue.job("one")
        return job is not None and job.status == Status.ACTIVE

    await queue.enqueue("f", key="one")
    async with working(Worker(queue, [("f", f)], id="w1")):
        await eventually(is_active)
        job = await queue.job("one")
        assert job is not None
        assert (job.attempts, job.worker_id) == (1, "w1")
        release.set()


async def test_saqs_tools_see_the_worker(
    queue: RedisQueue, working: Any, eventually: Eventually
) -> None:
    async with working(Worker(queue, [], id="w1", metadata={"role": "mail"})):

        async def workers() -> Any:
            return (await queue.info())["workers"]

        seen = await eventually(workers)
    assert seen["w1"]["metadata"] == {"role": "mail"}
    assert seen["w1"]["queue_key"] == "default"


async def test_an_error_in_a_duty_does_not_end_the_worker(
    queue: RedisQueue,
    working: Any,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(self: Any) -> float:
        raise ValueError("a bug")

    monkeypatch.setattr(upkeep.Upkeep, "cancel", fail)
    async with working(Worker(queue, [("f", double)])):
        await queue.enqueue("f", n=1)
        await eventually(lambda: queue.complete == 1)
        await eventually(lambda: "a bug" in caplog.text)


async def test_a_worker_in_another_thread_works_without_signals(
    queue: RedisQueue, redis_url: str
) -> None:
    from jtc.queue import open_client  # noqa: PLC0415 - only here

    async def work() -> None:
        mine = RedisQueue(open_client(redis_url))
        await run(mine, ("f", double))
        await mine.disconnect()

    await queue.enqueue("f", key="one", n=1)
    await asyncio.to_thread(lambda: asyncio.run(work()))
    assert (await ended(queue)).result == 2
