from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import saq
from saq.job import Status

from jtc.jobs.errors import JobFailed, JobNotFound, ResultTimeout
from jtc.jobs.manager import JobManager
from jtc.queue.job_end import JobEnd
from jtc.queue.progress import Progress, read_progress

JobStatus = Literal["queued", "active", "complete", "failed", "aborted", "unknown"]

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
        created: False when nothing was added: another job stood in its place, which is
            the one that `id` names.

    Example:
        >>> async def on_order(handle: JobHandle) -> object:
        ...     return await handle.result(timeout=10)
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
        return _word_of(await self._look())

    async def progress(self) -> Progress:
        """Return how far the job has come, as it says itself; 1 when it is complete.

        Raises:
            JobNotFound: The queue keeps nothing about it.
        """
        job = await self._look()
        if job is None:
            raise JobNotFound(self.id, self.queue_name)
        return read_progress(job)

    async def result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - a wait for the job, not for this call
        """Wait until the job has ended and return what `handle` returned, as JSON.

        All waits of an event loop share one connection, on which the server tells the
        end of a job. While the server is away, they wait for it too.

        Args:
            timeout: Seconds to wait; without end unless given, 0 looks once.

        Raises:
            JobFailed: It failed or was aborted.
            JobNotFound: The queue keeps nothing about it.
            ResultTimeout: It did not end in time; also a `TimeoutError`.
            QueueClosed: The connections were closed meanwhile.
        """
        end = JobEnd(JobManager.open_queue(self.queue_name), self.id)
        if not await end.comes_within(timeout):
            known = _word_of(end.job) if end.is_known else "out of sight: Redis is away"
            raise ResultTimeout(self.id, timeout or 0, known)
        if end.job is None:
            raise JobNotFound(self.id, self.queue_name)
        if end.job.status is not Status.COMPLETE:
            raise JobFailed(self.id, _WORDS[end.job.status], end.job.error)
        return end.job.result

    async def cancel(self) -> bool:
        """Keep the job from running, or have its worker stop it.

        Returns:
            False when it had already ended or is unknown.
        """
        return await JobManager.open_queue(self.queue_name).cancel(self.id)

    async def _look(self) -> saq.Job | None:
        return await JobManager.open_queue(self.queue_name).look(self.id)


def _word_of(job: saq.Job | None) -> JobStatus:
    return "unknown" if job is None else _WORDS[job.status]
