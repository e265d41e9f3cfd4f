from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jtc.queue.failure_line import failure_line
from jtc.queue.flow import PREFIXES, membership_of
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
        self._job_prefix = keys.job
        self._member_prefixes = tuple(f"{keys.job}{prefix}" for prefix in PREFIXES)
        self._keys_of_others = [*keys.ticks, *keys.flows]
        self._keys = [
            keys.claims,
            keys.active,
            keys.incomplete,
            keys.queued,
            keys.failed,
            keys.cancels,
            keys.failures,
            keys.recent,
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
        members: list[Argument] = []
        for position, one in enumerate(settlements, 1):
            kind: str = one.kind
            if kind == "failed":
                kind += failure_line(one.job)
            args += (one.job_id, one.claim, kind, one.document, one.number)
            args.append(one.status)
            if one.tick is not None:
                ticks += (position, *one.tick.as_arguments())
            elif one.job_id.startswith(self._member_prefixes):
                members += self._member_arguments(position, one)
        keys = self._keys
        if ticks or members:
            # Only then: what has no tick and is in no flow must not pay for it.
            keys = [*keys, *self._keys_of_others]
            args += [*ticks, *members, self.history_length]
            args += [len(ticks) // 4, len(members) // 3]
        reply = await self._scripts.run("settle", keys, args)
        return [bool(applied) for applied in reply]

    def _member_arguments(self, position: int, one: Settlement) -> tuple[Argument, ...]:
        member = membership_of(one.job_id[len(self._job_prefix) :])
        if member is None or one.kind not in ("done", "failed"):
            return ()
        return position, *member
