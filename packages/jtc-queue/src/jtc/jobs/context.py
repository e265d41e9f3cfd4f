from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jtc.jobs.errors import InvalidProgress, NotRunning
from jtc.queue.failure import writable
from jtc.queue.flow import flow_of
from jtc.queue.tick import Tick

if TYPE_CHECKING:
    from jtc.queue.attempt import Attempt

_LONGEST_NOTE = 500


class JobContext:
    """What a job knows of the attempt that runs it: `self.context`.

    All of it can be used in `async def handle` and in a `handle` that runs in a thread,
    and does no harm where a job runs without a queue, as in `dispatch_sync`.

    Args:
        ctx: The worker's context of the attempt.

    Example:
        >>> context = JobContext({})
        >>> context.progress(0.5, "half of it")
        >>> context.attempt, context.cancelled
        (1, False)
    """

    def __init__(self, ctx: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._job = ctx.get("job")
        self._attempt: Attempt | None = ctx.get("_attempt")

    @property
    def id(self) -> str | None:
        """The job's id; None where it runs without a queue."""
        return None if self._job is None else str(self._job.key)

    @property
    def attempt(self) -> int:
        """Which attempt this is, counted from 1."""
        return 1 if self._job is None else max(1, self._job.attempts)

    @property
    def queue(self) -> str | None:
        """The name of the queue; None where it runs without one."""
        queue = None if self._job is None else self._job.queue
        return None if queue is None else str(queue.name)

    @property
    def tick(self) -> Tick | None:
        """The tick of the schedule that asked for it, if one did."""
        return self._ctx.get("tick")

    @property
    def flow_id(self) -> str | None:
        """The id of the batch or chain that the job is in or follows, if there is one.

        `BatchHandle(self.context.flow_id, self.context.queue)` is its handle.
        """
        return None if self._job is None else flow_of(str(self._job.key))

    @property
    def tags(self) -> tuple[str, ...]:
        """The words that the job was dispatched with, to find it by."""
        tags = None if self._job is None else self._job.meta.get("tags")
        return tuple(tags) if isinstance(tags, list) else ()

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is to end: what it still does may count for nothing.

        It was canceled, its time is up, its worker stops, or its job has been given to
        another worker. `async def handle` is interrupted then; one that runs in a
        thread cannot be, and has to ask.
        """
        return self._attempt is not None and self._attempt.is_stopped

    def heartbeat(self) -> None:
        """Say that the job is alive: its timeout begins anew."""
        if self._attempt is not None:
            self._attempt.beat()

    def progress(self, fraction: float, note: str | None = None) -> None:
        """Say how far the job has come; `JobHandle.progress` and SAQ's page show it.

        It costs next to nothing: the worker writes the latest, ten times a second at
        the most.

        Args:
            fraction: From 0 to 1.
            note: What to say about it; the first 500 characters are kept.

        Raises:
            InvalidProgress: The fraction is no number from 0 to 1, or the note no text.
        """
        is_number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
        if not is_number or not 0 <= fraction <= 1:
            raise InvalidProgress("fraction", fraction, "a number from 0 to 1")
        if note is not None and not isinstance(note, str):
            raise InvalidProgress("note", note, "a text or None")
        if self._attempt is not None:
            kept = None if note is None else writable(note[:_LONGEST_NOTE])
            self._attempt.report(float(fraction), kept)


class RunningContext:
    """Gives a job its context while it runs."""

    def __get__(self, job: object | None, owner: type) -> JobContext:
        raise NotRunning(owner.__name__)
