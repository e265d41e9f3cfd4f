from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jtc.queue.saq_queue import SaqQueue


class Ended(NamedTuple):
    """How many attempts ended in which way."""

    complete: int = 0
    failed: int = 0
    retried: int = 0
    aborted: int = 0


class Tally:
    """What attempts of this process have come to since somebody was told.

    The queue counts in memory: a job costs nothing more, and all of a process's workers
    at the queue share the count.

    Args:
        queue: Counts.
    """

    def __init__(self, queue: SaqQueue) -> None:
        self._queue = queue
        self._told = Ended()

    @property
    def total(self) -> Ended:
        """What they have come to since the start."""
        queue = self._queue
        return Ended(queue.complete, queue.failed, queue.retried, queue.aborted)

    def take(self) -> Ended:
        """Return what is new; nobody else will be told."""
        total, told = self.total, self._told
        self._told = total
        return Ended(*(new - old for new, old in zip(total, told, strict=True)))

    def put_back(self, ended: Ended) -> None:
        """Let what was taken be told again: it did not get to where it was to go."""
        pairs = zip(self._told, ended, strict=True)
        self._told = Ended(*(told - back for told, back in pairs))
