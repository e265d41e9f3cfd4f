from __future__ import annotations

import asyncio
import logging
import math
import time
import traceback
from collections.abc import Mapping
from typing import Any, Protocol

from jtc.queue import endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.errors import (
    JobTimeout,
    NotRunnableHere,
    SelfCancelled,
    UnknownFunction,
)
from jtc.queue.settlement import Settlement
from jtc.queue.threads import AsyncFunction
from jtc.queue.tick import read_tick

logger = logging.getLogger(__name__)


class Hooks(Protocol):
    """What a worker does before and after each attempt."""

    async def before(self, context: dict[str, Any]) -> None:
        """Run before the function."""

    async def after(self, context: dict[str, Any]) -> None:
        """Run after the function, however it ended."""


class Attempt:
    """One run of a job.

    Args:
        job: The job, with its claim.
        now: The server's clock when it was claimed, in epoch seconds.
    """

    __slots__ = (
        "_cancel_reason",
        "_expired",
        "_fenced",
        "_released",
        "deadline",
        "job",
        "now",
        "started",
        "task",
    )

    def __init__(self, job: ClaimedJob, *, now: float) -> None:
        self.job = job
        self.now = now
        self.started = time.monotonic()
        self.deadline = math.inf
        self.task: asyncio.Task[Settlement | None] | None = None
        self._cancel_reason: str | None = None
        self._expired = False
        self._released = False
        self._fenced = False

    @property
    def has_expired(self) -> bool:
        """Whether it is being stopped because its time is up."""
        return self._expired

    def cancel(self, reason: str) -> None:
        """Stop the attempt and end its job as canceled."""
        if self._cancel_reason is None:
            self._cancel_reason = reason
            self._stop()

    def expire(self) -> None:
        """Stop the attempt because its time is up; it counts as a failed try."""
        if not self._expired:
            self._expired = True
            self._stop()

    def release(self) -> None:
        """Stop the attempt and give its job back."""
        self._released = True
        self._stop()

    def fence(self) -> None:
        """Stop the attempt and settle nothing: the job is another worker's now."""
        self._fenced = True
        self._stop()

    async def run(
        self,
        functions: Mapping[str, AsyncFunction],
        context: Mapping[str, Any],
        hooks: Hooks | None,
    ) -> Settlement | None:
        """Run the job's function and decide what becomes of the job.

        Returns:
            What to settle; None when the job is no longer this worker's.
        """
        try:
            ctx = self._context(context)
            result = await self._call(functions, ctx, hooks)
        except asyncio.CancelledError:
            return self.stopped()
        except (Exception, SystemExit) as error:
            # A library that calls sys.exit means the job, not the worker.
            return self._failed(_from_the_job(error))
        return None if self._fenced else endings.completed(self.job, result)

    def stopped(self) -> Settlement | None:
        """Decide what becomes of the job after the attempt was stopped."""
        if self._fenced:
            return None
        if self._cancel_reason is not None:
            return endings.aborted(self.job, self._cancel_reason)
        if self._expired:
            return self._failed(JobTimeout(self.job.timeout))
        if self._released:
            return endings.released(self.job)
        return self._failed(SelfCancelled())

    def _stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _context(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        job = self.job
        ctx = {**shared, "job": job, "queue": job.queue, "attempt": self}
        if job.meta and (tick := read_tick(job.meta, now=self.now)):
            ctx["tick"] = tick
        return ctx

    async def _call(
        self,
        functions: Mapping[str, AsyncFunction],
        ctx: dict[str, Any],
        hooks: Hooks | None,
    ) -> Any:
        job = self.job
        function = functions.get(job.function)
        if function is None:
            raise UnknownFunction(job.function, list(functions))
        if hooks is None:
            return await self._timed(function, ctx)
        try:
            await hooks.before(ctx)
            return await self._timed(function, ctx)
        except (Exception, SystemExit) as error:
            ctx["exception"] = error
            raise
        except asyncio.CancelledError:
            if self._expired:
                ctx["exception"] = JobTimeout(job.timeout)
            raise
        finally:
            await self._after(hooks, ctx)

    async def _timed(self, function: AsyncFunction, ctx: dict[str, Any]) -> Any:
        if self.job.timeout:
            # One watch over all attempts costs less than a timer for each.
            self.deadline = time.monotonic() + self.job.timeout
        return await function(ctx, **(self.job.kwargs or {}))

    async def _after(self, hooks: Hooks, ctx: dict[str, Any]) -> None:
        try:
            await hooks.after(ctx)
        except (Exception, asyncio.CancelledError):
            # Whatever cut the hook short, the function has ended: its outcome stands.
            logger.exception(
                "The hook after job %s failed.",
                self.job.key,
                extra={"action": "after_process_failed", "job_id": self.job.key},
            )

    def _failed(self, error: BaseException) -> Settlement | None:
        if self._fenced:
            return None
        settlement = endings.raised(self.job, error)
        if isinstance(error, NotRunnableHere):
            logger.warning(
                "Gave back job %s (%s): %s",
                self.job.key,
                self.job.function,
                error,
                extra={"action": "attempt_release", "job_id": self.job.key},
            )
            return settlement
        logger.error(
            "Job %s (%s) %s after attempt %d of %d: %s",
            self.job.key,
            self.job.function,
            "failed" if settlement.kind == "failed" else "will be tried again",
            self.job.attempts,
            self.job.retries,
            _headline(error),
            exc_info=error,
            extra={"action": f"attempt_{settlement.kind}", "job_id": self.job.key},
        )
        return settlement


def _from_the_job(error: BaseException) -> BaseException:
    """Cut the frames of this package off: a traceback begins at the job's function."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__", "")):
        trace = trace.tb_next
    return error if trace is None else error.with_traceback(trace)


def _is_ours(module: str) -> bool:
    return module.startswith("jtc.queue.") or module == "asyncio.tasks"


def _headline(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
