from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from jtc.queue.queue_stats import read_queue_stats
from jtc.queue.redis_queue import RedisQueue

MOST_TASKS = 1000
"""How many schedules are looked at; of more, only those in this worker's code."""


async def read_standing(queue: RedisQueue, tasks: Sequence[str]) -> dict[str, Any]:
    """Ask how a queue stands, and when its tasks last succeeded; return it as JSON.

    Args:
        queue: The queue.
        tasks: The names of the tasks in this worker's code that are scheduled in it.
    """
    stats, successes = await asyncio.gather(
        read_queue_stats(queue), _read_successes(queue, tasks)
    )
    return {
        "jobs": {
            "waiting": stats.queued,
            "delayed": stats.delayed,
            "running": stats.running,
            "failed": stats.failed,
        },
        "oldest": stats.oldest or 0.0,
        "workers": stats.workers,
        "paused": stats.paused is not None,
        "successes": successes,
    }


async def _read_successes(queue: RedisQueue, tasks: Sequence[str]) -> dict[str, float]:
    keys = [queue.keys.succeeded, queue.keys.definitions]
    flat = await queue.scripts.run("successes", keys, [MOST_TASKS, *tasks[:MOST_TASKS]])
    return {
        name.decode(): float(seconds)
        for name, seconds in zip(flat[::2], flat[1::2], strict=True)
    }
