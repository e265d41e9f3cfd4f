from __future__ import annotations

from collections.abc import Sequence

from jtc.queue.health import Health, read_health
from jtc.queue.job_record import JobRecord, find_job
from jtc.queue.queue_stats import QueueStats, read_queue_stats
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.worker_list import read_workers
from jtc.queue.worker_status import WorkerStatus


class QueueMonitor:
    """What whoever operates a queue can see of it.

    Each look is one call or two, whatever the number of jobs.

    Args:
        queue: The queue.

    Example:
        >>> async def is_behind(queue: RedisQueue) -> bool:
        ...     stats = await QueueMonitor(queue).stats()
        ...     return stats.oldest is not None and stats.oldest > 60
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue

    async def stats(self) -> QueueStats:
        """Return how the queue stands."""
        return await read_queue_stats(self._queue)

    async def workers(self) -> Sequence[WorkerStatus]:
        """Return its workers, also those that died in the last minute, by their ids."""
        return await read_workers(self._queue)

    async def job(self, job_id: str) -> JobRecord | None:
        """Return all that is known of a job; None when that is nothing."""
        return await find_job(self._queue, job_id)

    async def health(
        self, *, worker: str | None = None, host: str | None = None
    ) -> Health:
        """Tell whether the queue is worked on as it should be.

        It is when one worker at least is well: it lives, its event loop turns, and it
        has asked what ticks are due, if it fires any.

        Args:
            worker: The id of the one that has to be well.
            host: The machine whose workers all have to be, and of which there has to be
                one.
        """
        queue = self._queue
        return await read_health(queue.redis, queue.name, worker=worker, host=host)
