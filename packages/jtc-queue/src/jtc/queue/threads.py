from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from jtc.queue.errors import Release, ThreadStillRuns

# Seconds that a canceled attempt waits for its thread.
PATIENCE = 10.0
# A process that stood still for longer may have lost its jobs to another one.
BEGINS_WITHIN = 5.0
# Said when a wait for a thread is canceled: do not wait any longer.
GIVE_UP = "give up"
_NAME = "jtc-job"
_NAME_BESIDE = "jtc-beside"

Function = Callable[..., Any]
AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]


def as_async(function: Function, *, is_job: bool = True) -> AsyncFunction:
    """Return `function` if it is asynchronous, else one that runs it in a thread.

    Args:
        function: What is to be called.
        is_job: See `run_in_thread`.
    """
    if is_async(function):
        return function

    @functools.wraps(function, updated=())
    async def in_thread(*args: Any, **kwargs: Any) -> Any:
        call = functools.partial(function, *args, **kwargs)
        result = await run_in_thread(call, is_job=is_job)
        # A plain function around an asynchronous one, as a decorator makes it.
        return await result if inspect.isawaitable(result) else result

    return in_thread


def any_job_thread_runs() -> bool:
    """Tell whether a thread of this process still runs a job."""
    return any(thread.name == _NAME for thread in threading.enumerate())


def is_async(function: Function) -> bool:
    """Tell whether calling `function` gives something to await."""
    call = getattr(function, "__call__", None)  # noqa: B004 - an object's own __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


async def run_in_thread(call: Callable[[], Any], *, is_job: bool = True) -> Any:
    """Run `call` in a thread of its own and return its result.

    One thread for each call, because a pool's threads would keep the process from
    ending for as long as one of them hangs; the worker's slots bound their number.

    A canceled wait goes on for a while, because the thread cannot be stopped and a
    second attempt beside it would run the job twice at the same time.

    Args:
        call: What is to be called.
        is_job: Whether it is part of a job, for which the worker has to hold its lease.

    Raises:
        ThreadStillRuns: The wait was canceled and the thread did not end.
        Release: The process stood still before the thread began; `call` was not called.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()
    handed_over = time.monotonic()

    def work() -> None:
        try:
            if is_job:
                _check_time(handed_over)
            result, error = context.run(call), None
        except BaseException as raised:
            result, error = None, raised
        # The loop is closed when the process is on its way out: nobody waits any more.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_deliver, done, result, error)

    name = _NAME if is_job else _NAME_BESIDE
    threading.Thread(target=work, name=name, daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        if await _ended_within(PATIENCE, done):
            raise
        raise ThreadStillRuns(PATIENCE, done) from None


def _check_time(handed_over: float) -> None:
    if time.monotonic() - handed_over > BEGINS_WITHIN:
        raise Release("The process stood still before the job began.", after=0)


async def _ended_within(seconds: float, done: asyncio.Future[Any]) -> bool:
    deadline = time.monotonic() + seconds
    while not done.done() and (left := deadline - time.monotonic()) > 0:
        try:
            await asyncio.wait([done], timeout=left)
        except asyncio.CancelledError as again:
            # Being canceled once more, as by a signal after a time-out, ends no thread.
            if GIVE_UP in again.args:
                break
    return done.done()


def _deliver(
    done: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
        return
    if isinstance(error, StopIteration):
        error = RuntimeError(f"The job raised StopIteration: {error}")
    done.set_exception(error)
    # Read once, so that an error nobody waits for is not reported when it is collected.
    done.exception()
