"""Where somebody who makes spans hears of what a queue sends and runs."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

import saq

if TYPE_CHECKING:
    from jtc.queue.attempt import Attempt
    from jtc.queue.redis_queue import RedisQueue
    from jtc.queue.settlement import Settlement


class Tracing(Protocol):
    """Makes spans of what a queue sends and runs, and lets nothing go wrong by it."""

    def created(self, job: saq.Job, *, queue: str) -> None:
        """Note that a job was made which is sent later, perhaps by another process."""

    def sending(
        self,
        queue: RedisQueue,
        jobs: saq.Job | Sequence[saq.Job],
        *,
        flow: str | None = None,
        again: bool = False,
    ) -> AbstractContextManager[object]:
        """Surround the call that puts jobs into a queue; see `sending`."""
        ...

    async def attempt(
        self, attempt: Attempt, run: Awaitable[Settlement | None]
    ) -> Settlement | None:
        """Await `run`, which is the attempt, and return what it comes to."""
        ...


def set_tracing(tracing: Tracing | None) -> None:
    """Let `tracing` hear of all that this process sends and runs; None ends it."""
    global _tracing  # noqa: PLW0603 - a process has one
    _tracing = tracing


def get_tracing() -> Tracing | None:
    """Return who hears of what this process sends and runs."""
    return _tracing


def created(job: saq.Job, *, queue: str) -> None:
    """Note that a job was made which is sent later, perhaps by another process."""
    if _tracing is not None:
        _tracing.created(job, queue=queue)


def sending(
    queue: RedisQueue,
    jobs: saq.Job | Sequence[saq.Job],
    *,
    flow: str | None = None,
    again: bool = False,
) -> AbstractContextManager[object]:
    """Surround the call that puts jobs into a queue, before they are written.

    Args:
        queue: The queue.
        jobs: One job, or those of one call for many.
        flow: The flow that they are parts of.
        again: Whether they have run before, and begin anew.
    """
    if _tracing is None:
        return _UNTOLD
    return _tracing.sending(queue, jobs, flow=flow, again=again)


_tracing: Tracing | None = None
_UNTOLD = nullcontext()
