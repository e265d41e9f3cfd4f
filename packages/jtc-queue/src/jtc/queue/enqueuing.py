from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jtc.queue.group_commit import GroupCommit
from jtc.queue.groups import in_groups
from jtc.queue.keys import QueueKeys
from jtc.queue.scripts import Argument, Scripts

GROUP = 1000

Entry = tuple[str, bytes, int]
"""A job's id, its document, and when it may run: 0 for now, else epoch seconds."""


class Enqueuing:
    """Puts jobs into a queue, those that arrive at the same time in one call.

    Args:
        scripts: The queue's transitions.
        keys: The queue's keys.
    """

    def __init__(self, scripts: Scripts, keys: QueueKeys) -> None:
        self._scripts = scripts
        self._keys = [keys.incomplete, keys.queued, keys.failed, keys.workers]
        self._commits: GroupCommit[Entry, bool] = GroupCommit(self._send, limit=GROUP)

    def add(self, entry: Entry) -> asyncio.Future[bool]:
        """Enqueue a job; the future is False when one with its id was already there."""
        return self._commits.submit(entry)

    async def add_many(self, entries: Sequence[Entry]) -> list[bool]:
        """Enqueue jobs in as few calls as possible."""
        added: list[bool] = []
        for group in in_groups(entries, GROUP):
            added += await self._send(group)
        return added

    async def _send(self, entries: Sequence[Entry]) -> list[bool]:
        args: list[Argument] = []
        for entry in entries:
            args += entry
        reply = await self._scripts.run("enqueue", self._keys, args)
        return [bool(added) for added in reply]
