from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from redis.asyncio import Redis

from jtc.queue.enqueuing import Enqueuing, Entry
from jtc.queue.groups import in_groups
from jtc.queue.keys import QueueKeys
from jtc.queue.scripts import Scripts

GROUP = 500
_REMEMBERED = 7 * 24 * 3600
# For whoever has read of a job before it was noted, and is slow to send it.
_REMEMBERED_WHEN_NOTED = 600


class SentJobs:
    """Puts jobs into a queue that somebody else keeps until they are in it.

    A job that is sent again is not put again, also when it has ended meanwhile: the
    queue remembers for a week what was sent, and for ten minutes once the sender has
    noted it.

    Args:
        redis: The queue's client.
        scripts: The queue's transitions.
        keys: The queue's keys.
        enqueuing: What puts jobs into the queue otherwise.
    """

    def __init__(
        self, redis: Redis, scripts: Scripts, keys: QueueKeys, enqueuing: Enqueuing
    ) -> None:
        self._redis = redis
        self._scripts = scripts
        self._key = keys.sent
        self._enqueuing = enqueuing

    async def send(self, entries: Sequence[Entry]) -> set[str]:
        """Put those jobs into the queue that were not sent before; return their ids."""
        added: set[str] = set()
        for group in in_groups(entries, GROUP):
            added |= await self._send_group(group)
        return added

    async def noted(self, job_ids: Sequence[str]) -> None:
        """Let the queue forget jobs soon: their sender will not send them again."""
        for group in in_groups(job_ids, GROUP):
            await self._scripts.run(
                "forget_sent", [self._key], [_REMEMBERED_WHEN_NOTED, *group]
            )

    async def _send_group(self, entries: Sequence[Entry]) -> set[str]:
        unsent = entries
        while unsent:
            placed = await self._put(unsent)
            if placed is not None:
                pairs = zip(unsent, placed, strict=True)
                return {entry.job_id for entry, one in pairs if one == 1}
            # Some were sent before, perhaps just now.
            unsent = await self._unsent_of(unsent)
        return set()

    async def _put(self, entries: Sequence[Entry]) -> Sequence[int | bytes] | None:
        keys, args = self._enqueuing.call_for(entries)
        ids = [entry.job_id for entry in entries]
        placed: Sequence[int | bytes] | None = await self._scripts.run(
            "enqueue_once",
            [self._key, *keys],
            [_REMEMBERED, len(ids), *ids, *args],
        )
        return placed

    async def _unsent_of(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        ids = [entry.job_id for entry in entries]
        scores = await cast(
            "Awaitable[list[float | None]]", self._redis.zmscore(self._key, ids)
        )
        pairs = zip(entries, scores, strict=True)
        return [entry for entry, score in pairs if score is None]
