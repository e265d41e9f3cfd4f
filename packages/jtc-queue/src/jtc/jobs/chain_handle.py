from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import saq
from saq.job import Status

from jtc.jobs.errors import JobFailed, JobNotFound
from jtc.jobs.flow_handle import FlowHandle
from jtc.jobs.manager import JobManager
from jtc.queue.flow import member_key


@dataclass(frozen=True, slots=True)
class ChainHandle(FlowHandle):
    """A dispatched chain: `status`, `progress`, `wait`, `result`, `cancel`."""

    async def result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as `wait`
        """Wait until the chain has ended and return what its last job returned.

        Args:
            timeout: Seconds to wait; without end unless given, 0 looks once.

        Raises:
            JobFailed: A job of it failed or was canceled.
            JobNotFound: The last job has left no result, or it has expired.
            FlowNotFound: The queue keeps nothing about the chain.
            FlowTimeout: The chain did not end in time; also a `TimeoutError`.
            QueueClosed: The connections were closed meanwhile.
        """
        progress = await self.wait(timeout)
        lost = await self._flows.first_lost(self.id)
        number = progress.total - 1 if lost is None else lost
        key = member_key(self.id, number)
        job = await JobManager.open_queue(self.queue_name).job(key)
        if lost is not None:
            raise _failure(key, job, progress.status)
        if job is None or job.status is not Status.COMPLETE:
            raise JobNotFound(key, self.queue_name)
        return job.result


def _failure(key: str, job: saq.Job | None, status: str) -> JobFailed:
    word = "failed" if status == "failed" else "aborted"
    return JobFailed(key, word, job.error if job else None)
