from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from jtc.queue import endings
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.errors import JobTimeout, SelfCancelled, UnknownFunction
from jtc.queue.failure_log import log_failure
from jtc.queue.job_fields import current_job, job_fields, shown_error
from jtc.queue.lease_time import trial_ms
from jtc.queue.progress import Progress, write_progress
from jtc.queue.settlement import Settlement
from jtc.queue.threads import GIVE_UP, AsyncFunction
from jtc.queue.tick import read_tick
from jtc.queue.verdict import NO_RULES, ErrorRules, Verdict, judge_now

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

    Attributes:
        outcome: What becomes of the job, once the function has ended.
        error: What it ended with, or what being stopped stands for.
    """

    __slots__ = (
        "_began",
        "_cancel_reason",
        "_expired",
        "_fenced",
        "_noted",
        "_progress",
        "_released",
        "_verdict",
        "deadline",
        "error",
        "job",
        "now",
        "outcome",
        "started",
        "task",
    )

    def __init__(self, job: ClaimedJob, *, now: float) -> None:
        self.job = job
        self.now = now
        self.started = time.monotonic()
        job.clock = (now, self.started)
        self.deadline = math.inf
        self.task: asyncio.Task[None] | None = None
        self.outcome: Settlement | None = None
        self.error: BaseException | None = None
        self._began = False
        self._cancel_reason: str | None = None
        self._expired = False
        self._released = False
        self._fenced = False
        self._progress: Progress | None = None
        self._noted: Progress | None = None
        self._verdict: Verdict | None = None

    @property
    def stop_error(self) -> Exception | None:
        """The error that being stopped stands for; None if its job is not to blame."""
        if self._fenced or self._cancel_reason is not None:
            return None
        if self._expired:
            return JobTimeout(self.job.timeout)
        return None if self._released else SelfCancelled()

    @property
    def is_stopped(self) -> bool:
        """Whether the function is to end: what it does now may count for nothing."""
        return (
            self._fenced
            or self._released
            or self._expired
            or self._cancel_reason is not None
        )

    @property
    def has_progress(self) -> bool:
        """Whether there is progress that the job's document does not show yet."""
        return self._progress is not self._noted

    def beat(self) -> None:
        """Let the attempt's time begin anew; from any thread."""
        if self.job.timeout:
            self.deadline = time.monotonic() + self.job.timeout

    def report(self, fraction: float, note: str | None) -> None:
        """Say how far the function has come; from any thread.

        It is written with the next of the looks at what runs, ten times a second at
        the most, or when the attempt ends.
        """
        at = datetime.fromtimestamp(self.now + time.monotonic() - self.started, UTC)
        self._progress = Progress(fraction, note, at)

    def note_progress(self) -> None:
        """Put the latest progress into the job."""
        if (progress := self._progress) is not self._noted and progress is not None:
            self._noted = progress
            write_progress(self.job, progress)

    def judge(self, error: BaseException, rules: ErrorRules = NO_RULES) -> Verdict:
        """Decide, once for this attempt, what becomes of the job after an error.

        Whoever runs the job may ask first, to act on it and to bring rules of its own:
        a second decision might be another, as time goes by and chance plays a part.
        """
        if self._verdict is None:
            self._verdict = judge_now(self.job, error, rules)
        return self._verdict

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

    def leave(self) -> None:
        """Let go of an attempt that does not stop: whatever it comes to is ignored."""
        self._fenced = True
        if self.task is not None:
            self.task.cancel(GIVE_UP)

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
        self._began = True
        # For the logs of whatever runs in this task, which is the attempt's own.
        current_job.set(self.job)
        if self.is_stopped:
            return self.stopped()
        if (time.monotonic() - self.started) * 1000 > trial_ms():
            # The process stood still: the job may be another worker's, and run there.
            return endings.released(self.job)
        try:
            function, ctx = self._find(functions), self._context(context)
        except Exception as error:
            return self._failed(error)
        self.outcome = await self._decide(function, ctx, hooks)
        if hooks is None:
            return self.outcome
        await self._after(hooks, ctx)
        return None if self._fenced else self.outcome

    def stopped(self) -> Settlement | None:
        """Decide what becomes of the job after the attempt was stopped."""
        if self._fenced:
            return None
        self.note_progress()
        if self._cancel_reason is not None:
            return endings.aborted(self.job, self._cancel_reason)
        error = self.stop_error
        return endings.released(self.job) if error is None else self._failed(error)

    def _stop(self) -> None:
        # A task that is canceled before its first step would decide nothing.
        if self.task is not None and self._began:
            self.task.cancel()

    def _context(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        job = self.job
        ctx = {**shared, "job": job, "queue": job.queue, "_attempt": self}
        if job.meta and (tick := read_tick(job.meta, now=self.now)):
            ctx["tick"] = tick
        return ctx

    def _find(self, functions: Mapping[str, AsyncFunction]) -> AsyncFunction:
        function = functions.get(self.job.function)
        if function is None:
            raise UnknownFunction(self.job.function, list(functions))
        return function

    async def _decide(
        self, function: AsyncFunction, ctx: dict[str, Any], hooks: Hooks | None
    ) -> Settlement | None:
        try:
            if hooks is not None:
                await hooks.before(ctx)
            result = await self._timed(function, ctx)
        except asyncio.CancelledError:
            if self._expired:
                ctx["exception"] = JobTimeout(self.job.timeout)
            return self.stopped()
        except (Exception, SystemExit) as error:
            # A library that calls sys.exit means the job, not the worker.
            ctx["exception"] = error
            return self._failed(_from_the_job(error))
        if self._fenced:
            return None
        self.note_progress()
        return endings.completed(self.job, result)

    async def _timed(self, function: AsyncFunction, ctx: dict[str, Any]) -> Any:
        if self.job.timeout:
            # One watch over all attempts costs less than a timer for each.
            self.deadline = time.monotonic() + self.job.timeout
        return await function(ctx, **(self.job.kwargs or {}))

    async def _after(self, hooks: Hooks, ctx: dict[str, Any]) -> None:
        try:
            await hooks.after(ctx)
        except (Exception, asyncio.CancelledError) as error:
            # Whatever cut the hook short, the function has ended: its outcome stands.
            logger.error(
                "The hook after job %s failed.",
                self.job.key,
                exc_info=shown_error(error),
                extra={"action": "after_process_failed", **job_fields(self.job)},
            )

    def _failed(self, error: BaseException) -> Settlement | None:
        if self._fenced:
            return None
        self.note_progress()
        self.error = error
        verdict = self.judge(error)
        settlement = endings.raised(self.job, error, verdict)
        log_failure(self.job, error, verdict, settlement.kind)
        return settlement


def _from_the_job(error: BaseException) -> BaseException:
    """Cut the frames of this package off: a traceback begins at the job's function."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_globals.get("__name__", "")):
        trace = trace.tb_next
    return error if trace is None else error.with_traceback(trace)


def _is_ours(module: str) -> bool:
    return module.startswith(("jtc.queue.", "jtc.jobs.")) or module == "asyncio.tasks"
