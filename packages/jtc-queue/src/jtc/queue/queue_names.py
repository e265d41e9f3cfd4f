from __future__ import annotations

from redis.asyncio import Redis

# Beside the secret of the dashboard the only key that is no queue's own: no script
# touches it.
KEY = "jtc:queues"
REMEMBERED = 7 * 24 * 3600
"""Seconds for which a queue is remembered that no worker has worked on."""


class QueueNames:
    """The names of the queues that workers work on, or did in the last week.

    Args:
        redis: The client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, name: str) -> None:
        """Remember a queue that is worked on."""
        seconds, _ = await self._redis.time()
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zadd(KEY, {name: seconds})
            pipe.zremrangebyscore(KEY, "-inf", seconds - REMEMBERED)
            await pipe.execute()

    async def list(self) -> tuple[str, ...]:
        """Return the names in their order."""
        found = await self._redis.zrange(KEY, 0, -1)
        return tuple(sorted(name.decode() for name in found))
