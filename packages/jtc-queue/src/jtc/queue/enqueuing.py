from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from jtc.queue.group_commit import GroupCommit
from jtc.queue.groups import in_groups
from jtc.queue.keys import QueueKeys
from jtc.queue.scripts import Argument, Scripts
from jtc.queue.unique_key import UniqueKey

GROUP = 1000

Placed = bool | str
"""True: the job was added. False: it was already there. Else the id of the job that is
there in its place, because it has the same unique key."""


class Entry(NamedTuple):
    """A job that is to be put into the queue.

    Attributes:
        job_id: The job's key in Redis.
        document: What is stored of it.
        score: When it may run: 0 for now, epoch seconds, or `+` and seconds from now.
        unique: What it has in common with those that it must not stand beside.
    """

    job_id: str
    document: bytes
    score: int | str
    unique: UniqueKey | None = None


class Enqueuing:
    """Puts jobs into a queue, those that arrive at the same time in one call.

    Args:
        scripts: The queue's transitions.
        keys: The queue's keys.
    """

    def __init__(self, scripts: Scripts, keys: QueueKeys) -> None:
        self._scripts = scripts
        self._keys = [keys.incomplete, keys.queued, keys.failed, keys.workers]
        self._unique_keys = [keys.claims, keys.unique]
        self._commits: GroupCommit[Entry, Placed] = GroupCommit(self._send, limit=GROUP)

    def add(self, entry: Entry) -> asyncio.Future[Placed]:
        """Enqueue a job; the future tells what became of it."""
        return self._commits.submit(entry)

    async def add_many(self, entries: Sequence[Entry]) -> list[Placed]:
        """Enqueue jobs in as few calls as possible."""
        placed: list[Placed] = []
        for group in in_groups(entries, GROUP):
            placed += await self._send(group)
        return placed

    def call_for(self, entries: Sequence[Entry]) -> tuple[list[str], list[Argument]]:
        """Return the keys and arguments of the script that puts `entries`."""
        args: list[Argument] = []
        uniques: list[Argument] = []
        for position, (job_id, document, score, unique) in enumerate(entries, 1):
            args += (job_id, document, score)
            if unique is not None:
                uniques += (position, *unique.as_arguments())
        if not uniques:
            # What is not unique must not pay for it.
            return self._keys, args
        keys = [*self._keys, *self._unique_keys]
        return keys, [*args, *uniques, len(uniques) // 4]

    async def _send(self, entries: Sequence[Entry]) -> list[Placed]:
        reply = await self._scripts.run("enqueue", *self.call_for(entries))
        return [p.decode() if isinstance(p, bytes) else bool(p) for p in reply]
