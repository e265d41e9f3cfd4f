from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from math import inf

from jtc.cli.snapshot_sum import NOTHING, Snapshot, add_snapshots, counts_of

Read = Callable[[], Snapshot | None]

LOOKS_AGAIN = 10.0
"""Seconds of silence after which another process looks at the queues."""


class Member:
    """A process that works, as far as it says how it is.

    Args:
        number: Which one it is, from 1.
        look: Has it look at the queues, for all of them.
    """

    def __init__(self, number: int, look: Callable[[], object]) -> None:
        self.number = number
        self.look = look
        self.heard_at = -inf
        self.read: Read = lambda: None

    def hear(self, snapshot: Snapshot) -> None:
        """Take what it has said last."""
        self.heard_at = time.monotonic()
        self.read = lambda: snapshot


class Census:
    """What the processes of a worker say of themselves; it may be asked by any thread.

    What one has counted stays when it is gone: such numbers never go down.

    Args:
        processes: How many there are to be.
        looks: Whether one of them is to ask the server how the queues stand.
    """

    def __init__(self, *, processes: int, looks: bool) -> None:
        self.processes = processes
        self._looks = looks
        self._members: dict[Member, None] = {}
        self._looker: Member | None = None
        self._gone = NOTHING
        self._lock = threading.Lock()

    def join(self, number: int, look: Callable[[], object]) -> Member:
        """Count a process that has been started."""
        member = Member(number, look)
        with self._lock:
            self._members[member] = None
        return member

    def hear(self, member: Member, snapshot: Snapshot) -> None:
        """Take what a process says; one of those that do looks at the queues."""
        with self._lock:
            member.hear(snapshot)
        if self._looks and not self._is_looked_after():
            self._looker = member
            member.look()

    def leave(self, member: Member) -> None:
        """Count a process no more, but what it has counted."""
        with self._lock:
            del self._members[member]
            if (last := member.read()) is not None:
                self._gone = add_snapshots([self._gone, counts_of(last)])

    def total(self) -> Snapshot:
        """Return what all have counted, also those that are gone."""
        with self._lock:
            snapshots = [member.read() for member in self._members]
            known = [one for one in snapshots if one is not None]
            return add_snapshots([self._gone, *known])

    def by_number(self) -> Mapping[int, Snapshot | None]:
        """Return what each says now; None of one that has not said anything yet."""
        with self._lock:
            return {member.number: member.read() for member in self._members}

    def _is_looked_after(self) -> bool:
        looker = self._looker
        if looker is None or looker not in self._members:
            return False
        return time.monotonic() - looker.heard_at < LOOKS_AGAIN
