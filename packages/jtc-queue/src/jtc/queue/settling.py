from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jtc.queue.group_commit import GroupCommit, Listener
from jtc.queue.keys import QueueKeys
from jtc.queue.scripts import Argument, Scripts
from jtc.queue.settlement import Settlement

HISTORY_LENGTH = 100
"""How many records of a schedule are kept."""


class Settling:
    """Applies settlements, those that arrive at the same time in one call.

    Args:
        scripts: The queue's transitions.
        keys: The queue's keys.

    Attributes:
        history_length: How many records of a schedule are kept.
    """

    def __init__(self, scripts: Scripts, keys: QueueKeys) -> None:
        self.history_length = HISTORY_LENGTH
        self._scripts = scripts
        self._tick_keys = keys.ticks
        self._keys = [
            keys.claims,
            keys.active,
            keys.incomplete,
            keys.queued,
            keys.failed,
            keys.cancels,
        ]
        self._commits: GroupCommit[Settlement, bool] = GroupCommit(self._send)

    def apply(self, settlement: Settlement) -> asyncio.Future[bool]:
        """Apply a settlement; the future is False when its claim is no longer held."""
        return self._commits.submit(settlement)

    def post(self, settlement: Settlement, listener: Listener[bool]) -> None:
        """Apply a settlement and tell `listener` whether its claim was still held."""
        self._commits.post(settlement, listener)

    async def _send(self, settlements: Sequence[Settlement]) -> list[bool]:
        args: list[Argument] = []
        ticks: list[Argument] = []
        for position, one in enumerate(settlements, 1):
            args += (one.job_id, one.claim, one.kind, one.document, one.number)
            args.append(one.status)
            if one.tick is not None:
                ticks += (position, *one.tick.as_arguments())
        keys = self._keys
        if ticks:
            # Only then: what has no tick must not pay for it.
            keys = [*keys, *self._tick_keys]
            args += [*ticks, self.history_length, len(ticks) // 4]
        reply = await self._scripts.run("settle", keys, args)
        return [bool(applied) for applied in reply]
