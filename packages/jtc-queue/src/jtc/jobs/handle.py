from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Literal

import saq
from saq.job import Status

from jtc.jobs.errors import JobFailed, JobNotFound, ResultTimeout
from jtc.jobs.manager import JobManager

JobStatus = Literal["queued", "active", "complete", "failed", "aborted", "unknown"]

_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0

_WORDS: dict[Status, JobStatus] = {
    Status.NEW: "queued",
    Status.QUEUED: "queued",
    Status.ACTIVE: "active",
    Status.ABORTING: "active",
    Status.COMPLETE: "complete",
    Status.FAILED: "failed",
    Status.ABORTED: "aborted",
}


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A dispatched job, to be looked at from any process and event loop.

    Attributes:
        id: The job's key in its queue.
        queue_name: The queue that holds it.
        created: False when a job with that key was already waiting or running, and
            nothing was added.
    """

    id: str
    queue_name: str
    created: bool = True

    async def status(self) -> JobStatus:
        """Return where the job stands.

        `queued` (also while it waits for a later time or the next try), `active`,
        `complete`, `failed` (no tries left), `aborted` (canceled), or `unknown`: the
        queue keeps nothing about it, because what it kept has expired.
        """
        job = await self._load()
        return _WORDS[job.status] if job else "unknown"

    async def result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - a wait for the job, not for this call
        """Wait until the job has ended and return what `handle` returned, as JSON.

        Args:
            timeout: Seconds to wait; without end unless given, 0 looks once.

        Raises:
            JobFailed: It failed or was aborted.
            JobNotFound: The queue keeps nothing about it.
            ResultTimeout: It did not end in time; also a `TimeoutError`.
        """
        clock = asyncio.get_running_loop().time
        deadline = None if timeout is None else clock() + timeout
        pause = _FIRST_PAUSE
        while not (job := await self._load_ended()):
            if deadline is not None and clock() >= deadline:
                raise ResultTimeout(self.id, timeout or 0, await self.status())
            left = pause if deadline is None else deadline - clock()
            await asyncio.sleep(min(_jittered(pause), max(left, 0)))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        if job.status is not Status.COMPLETE:
            raise JobFailed(self.id, _WORDS[job.status], job.error)
        return job.result

    async def cancel(self) -> bool:
        """Keep the job from running, or have its worker stop it.

        Returns:
            False when it had already ended or is unknown.
        """
        return await JobManager.open_queue(self.queue_name).cancel(self.id)

    async def _load_ended(self) -> saq.Job | None:
        job = await self._load()
        if job is None:
            raise JobNotFound(self.id, self.queue_name)
        return job if _WORDS[job.status] not in ("queued", "active") else None

    async def _load(self) -> saq.Job | None:
        return await JobManager.open_queue(self.queue_name).job(self.id)


def _jittered(pause: float) -> float:
    # So that many who wait for jobs of one batch do not ask in step.
    return pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret depends on it
