from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from jtc.queue.group_commit import GroupCommit


class Looking:
    """Reads jobs, those that are asked for at the same time in one call.

    A thousand who each asked on their own would open a thousand connections.

    Args:
        redis: The client.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._looks: GroupCommit[str, bytes | None] = GroupCommit(self._read)

    async def look(self, job_id: str) -> bytes | None:
        """Return what Redis holds of a job; None when that is nothing."""
        return await self._looks.submit(job_id)

    async def _read(self, job_ids: Sequence[str]) -> list[bytes | None]:
        # Many may wait for one job.
        different = list(dict.fromkeys(job_ids))
        found = await self._redis.mget(different)
        documents = dict(zip(different, found, strict=True))
        return [documents[job_id] for job_id in job_ids]
