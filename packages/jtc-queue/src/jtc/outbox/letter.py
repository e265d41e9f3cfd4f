from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Letter:
    """What one row of the outbox says.

    Attributes:
        position: The row's place in the order of dispatches.
        key: The job's key in its queue.
        queue: The queue's name.
        document: The job, as the queue will hold it.
    """

    position: int
    key: str
    queue: str
    document: str
