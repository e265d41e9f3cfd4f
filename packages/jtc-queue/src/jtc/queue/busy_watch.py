from __future__ import annotations

import logging

from jtc.queue.events import QueueBusy
from jtc.queue.listeners import announce, is_heard
from jtc.queue.queue_stats import QueueStats, read_queue_stats
from jtc.queue.redis_queue import RedisQueue

logger = logging.getLogger(__name__)

LOOK_EVERY = 10.0
AGAIN_AFTER_MS = 300_000
"""For how long no worker says again that a queue is busy."""


class BusyWatch:
    """Tells those who listen to `QueueBusy`; of the workers that look, one tells.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue

    async def step(self) -> float:
        """Look whether the queue is busy, if anybody wants to know."""
        if is_heard(QueueBusy):
            stats = await read_queue_stats(self._queue)
            if self._is_busy(stats) and await self._is_first():
                _tell(stats)
        return LOOK_EVERY

    def _is_busy(self, stats: QueueStats) -> bool:
        if stats.paused is not None:
            # Somebody wants the jobs to wait.
            return False
        limits = self._queue.busy_limits
        oldest = stats.oldest or 0.0
        return stats.queued >= limits.jobs or oldest > limits.seconds

    async def _is_first(self) -> bool:
        """Take the mark that lets one worker tell; it goes away by itself."""
        marked = await self._queue.redis.set(
            self._queue.keys.busy, 1, nx=True, px=AGAIN_AFTER_MS
        )
        return bool(marked)


def _tell(stats: QueueStats) -> None:
    oldest = stats.oldest or 0.0
    logger.warning(
        "Queue %s is busy: %d job(s) wait, the next one for %.0f s.",
        stats.name,
        stats.queued,
        oldest,
        extra={"action": "queue_busy", "queue": stats.name},
    )
    announce(QueueBusy(queue=stats.name, queued=stats.queued, oldest=oldest))
