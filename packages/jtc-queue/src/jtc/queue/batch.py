from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import saq

from jtc.queue.enqueuing import Placed

Reply = TypeVar("Reply", Placed, list[Placed])


class Batch:
    """The jobs that were enqueued inside one `async with queue.batch()`.

    Args:
        queue: Whose jobs they are.
    """

    def __init__(self, queue: object) -> None:
        self.queue = queue
        self._calls: list[tuple[Sequence[saq.Job], asyncio.Future[Any]]] = []

    def add(self, jobs: Sequence[saq.Job], reply: asyncio.Future[Any]) -> None:
        """Note jobs whose call is under way."""
        self._calls.append((jobs, reply))

    async def added(self) -> list[saq.Job]:
        """Wait for the calls and return the jobs that they added.

        A job whose key was taken is somebody else's.
        """
        replies = await asyncio.gather(
            *(reply for _, reply in self._calls), return_exceptions=True
        )
        added: list[saq.Job] = []
        for (jobs, _), reply in zip(self._calls, replies, strict=True):
            flags = reply if isinstance(reply, list) else [reply] * len(jobs)
            pairs = zip(jobs, flags, strict=True)
            added += [job for job, flag in pairs if flag is True]
        return added


# What is enqueued by a task that was started inside counts too, by others it does not.
_open: ContextVar[tuple[Batch, ...]] = ContextVar("jtc_open_batches", default=())


@asynccontextmanager
async def open_batch(
    queue: object, cancel: Callable[[saq.Job], Awaitable[object]]
) -> AsyncIterator[None]:
    """Cancel what is enqueued to `queue` inside the context, if it ends with an error.

    Args:
        queue: The queue.
        cancel: Cancels one of its jobs.
    """
    batch = Batch(queue)
    token = _open.set((*_open.get(), batch))
    try:
        yield
    except (Exception, asyncio.CancelledError):
        jobs = await batch.added()
        await asyncio.gather(*map(cancel, jobs), return_exceptions=True)
        raise
    finally:
        _open.reset(token)


def noted(
    queue: object, jobs: Sequence[saq.Job], reply: asyncio.Future[Reply]
) -> Awaitable[Reply]:
    """Let the open batches know of a call that enqueues `jobs`; return its reply.

    The call then goes on although its caller is canceled, so that it is known what was
    added.
    """
    mine = [batch for batch in _open.get() if batch.queue is queue]
    for batch in mine:
        batch.add(jobs, reply)
    return asyncio.shield(reply) if mine else reply
