from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that a worker has in hand.

    Attributes:
        id: The job's key: `JobHandle.id`.
        name: The `Job` class, or the function; "?" for what is no job of this queue.
        started: When the attempt began, in UTC; None in its first moment.
    """

    id: str
    name: str
    started: datetime | None
