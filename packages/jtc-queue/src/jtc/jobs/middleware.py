from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol

from jtc.jobs.errors import InvalidMiddleware
from jtc.queue.threads import is_async

if TYPE_CHECKING:
    from jtc.jobs.job import Job

CallNext = Callable[[], Awaitable[Any]]
"""Runs what is further in, down to `handle`, and gives its result."""


class Middleware(Protocol):
    """What runs around each attempt of a job; asynchronous, and a function will do.

    It sees the job with its payload and its context. What it returns is the job's
    result; what it raises ends the attempt, as an error of `handle` would.

    Example:
        >>> async def timed(job: Job, call_next: CallNext) -> Any:
        ...     result = await call_next()
        ...     print("done:", type(job).__name__)
        ...     return result
    """

    def __call__(self, job: Any, call_next: CallNext, /) -> Awaitable[Any]:
        """Call `call_next()` once, or not at all, and return the job's result."""
        ...


def set_middleware(*middleware: Middleware) -> None:
    """Run these around every job of this process, outside of the classes' own.

    The first one is the outermost. Without arguments there are none.

    Raises:
        InvalidMiddleware: One of them cannot be called, or not be awaited.
    """
    for one in middleware:
        if not is_middleware(one):
            raise InvalidMiddleware(one, MUST_BE)
    global _middleware  # noqa: PLW0603 - a process has one list, like its container
    _middleware = middleware


def get_middleware() -> tuple[Middleware, ...]:
    """Return what runs around every job of this process."""
    return _middleware


def is_middleware(value: object) -> bool:
    """Tell whether `value` may be middleware, as far as that can be seen from it."""
    if isinstance(value, type) or not callable(value):
        return False
    # An object's own __call__ may return something to await without being async.
    return is_async(value) or not isinstance(value, FunctionType | MethodType)


def wrapped(
    job: Job, middleware: Sequence[Middleware], innermost: CallNext
) -> CallNext:
    """Return `innermost` with each of `middleware` around it, the first outermost."""
    call = innermost
    for one in reversed(middleware):
        call = _Layer(one, job, call).run
    return call


class _Layer:
    """One middleware around one attempt."""

    __slots__ = ("_has_called", "_inner", "_job", "_middleware")

    def __init__(self, middleware: Middleware, job: Job, inner: CallNext) -> None:
        self._middleware = middleware
        self._job = job
        self._inner = inner
        self._has_called = False

    async def run(self) -> Any:
        returned: object = self._middleware(self._job, self._call_next)
        if not inspect.isawaitable(returned):
            raise InvalidMiddleware(self._middleware, MUST_BE)
        return await returned

    async def _call_next(self) -> Any:
        if self._has_called:
            why = "called call_next() twice, and an attempt runs handle() once: raise "
            raise InvalidMiddleware(self._middleware, f"{why}Retry for another try")
        self._has_called = True
        return await self._inner()


MUST_BE = "has to be an `async def` that takes (job, call_next)"
_middleware: tuple[Middleware, ...] = ()
