from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping

from saq.job import Status

from jtc.queue import endings
from jtc.queue.attempts import Attempts
from jtc.queue.claimed_job import ClaimedJob, read_claimed_job
from jtc.queue.claiming import park_unreadable
from jtc.queue.claims import Claims
from jtc.queue.job_fields import job_fields
from jtc.queue.redis_queue import RedisQueue

logger = logging.getLogger(__name__)

ADOPT_EVERY = 60.0
GROUP = 1000
"""How many active jobs are looked at in one round."""


class Adoption:
    """Gives back jobs that a worker of plain SAQ took and did not end.

    Such a job is active and nobody's. It is given back when nothing was heard of it for
    a whole round, and its worker, if it names one, no longer shows itself.

    Args:
        queue: The queue.
        claims: The worker's holds.
        attempts: Settles.
    """

    def __init__(self, queue: RedisQueue, claims: Claims, attempts: Attempts) -> None:
        self._queue = queue
        self._claims = claims
        self._attempts = attempts
        self._seen: Mapping[str, bytes] = {}

    async def step(self) -> float:
        """Look once; return the seconds until the next round."""
        found = await self._unclaimed()
        still = {i: text for i, text in found.items() if self._seen.get(i) == text}
        self._seen = found
        gone = {i: text for i, text in still.items() if await self._is_given_up(text)}
        if gone:
            await self._give_back(gone)
        return ADOPT_EVERY

    async def _unclaimed(self) -> dict[str, bytes]:
        keys, redis = self._queue.keys, self._queue.redis
        ids: list[bytes] = await redis.lrange(keys.active, 0, GROUP - 1)  # type: ignore[misc]
        if not ids:
            return {}
        owners = await redis.hmget(keys.claims, [i.decode() for i in ids])  # type: ignore[misc]
        free = [i for i, owner in zip(ids, owners, strict=True) if owner is None]
        texts = await redis.mget(free) if free else []
        return {i.decode(): text or b"" for i, text in zip(free, texts, strict=True)}

    async def _is_given_up(self, text: bytes) -> bool:
        job = read_claimed_job(self._queue, text)
        if job is None or job.status != Status.ACTIVE:
            return True
        return job.stuck or (job.worker_id is not None and not await self._shows(job))

    async def _shows(self, job: ClaimedJob) -> bool:
        name = self._queue.namespace(f"worker_info:{job.worker_id}")
        return bool(await self._queue.redis.exists(name))

    async def _give_back(self, gone: Mapping[str, bytes]) -> None:
        batch = await self._claims.adopt(
            [(job_id, digest_of(text)) for job_id, text in gone.items()]
        )
        for job in batch.jobs:
            logger.warning(
                "Gave back job %s (%s): a worker of plain SAQ left it behind.",
                job.key,
                job.function,
                extra={"action": "job_adopted", **job_fields(job)},
            )
            self._attempts.settle(endings.lost(job))
        park_unreadable(self._attempts, batch, self._queue)


def digest_of(text: bytes) -> str:
    """Return what a script compares a document by."""
    return hashlib.sha1(text).hexdigest()  # noqa: S324 - Redis's
