from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from jtc.queue.measures import Measures

if TYPE_CHECKING:
    from jtc.queue.saq_queue import SaqQueue

WAITED = "waited:"
"""What the name of a count begins with that is a bucket of `Measures.waits`."""


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
        queue: Counts how attempts end.
        measures: Counts how long jobs waited.
    """

    def __init__(self, queue: SaqQueue, measures: Measures) -> None:
        self._queue = queue
        self._measures = measures
        self._told: dict[str, int] = {}

    @property
    def total(self) -> Ended:
        """What they have come to since the start."""
        queue = self._queue
        return Ended(queue.complete, queue.failed, queue.retried, queue.aborted)

    def take(self) -> Mapping[str, int]:
        """Return what is new, by the name of the count; nobody else will be told."""
        counts = self._counts()
        new = {name: n - self._told.get(name, 0) for name, n in counts.items()}
        self._told = counts
        return {name: n for name, n in new.items() if n}

    def put_back(self, counts: Mapping[str, int]) -> None:
        """Let what was taken be told again: it did not get to where it was to go."""
        for name, count in counts.items():
            self._told[name] -= count

    def _counts(self) -> dict[str, int]:
        waits = self._measures.waits.counts
        return {
            **self.total._asdict(),
            **{f"{WAITED}{i}": count for i, count in enumerate(waits)},
        }
