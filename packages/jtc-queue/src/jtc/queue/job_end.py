from __future__ import annotations

import saq
from saq.job import TERMINAL_STATUSES

from jtc.queue.end import End
from jtc.queue.redis_queue import RedisQueue


class JobEnd(End):
    """The end of a job, as somebody sees it who waits for it.

    Args:
        queue: The queue that holds the job.
        key: The job's key in it.

    Attributes:
        job: The job when it was last seen; None when the queue kept nothing about it.
    """

    def __init__(self, queue: RedisQueue, key: str) -> None:
        super().__init__(queue, queue.job_id(key))
        self.job: saq.Job | None = None
        self._key = key

    async def read(self) -> bool:
        """Read the job; tell whether it has ended or is gone."""
        self.job = await self._queue.look(self._key)
        return self.job is None or self.job.status in TERMINAL_STATUSES
