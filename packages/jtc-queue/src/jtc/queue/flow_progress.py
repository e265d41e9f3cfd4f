from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FlowStatus = Literal["running", "complete", "failed", "canceled", "unknown"]


@dataclass(frozen=True, slots=True)
class FlowProgress:
    """How many members of a batch or a chain have ended, and as what.

    Attributes:
        total: How many there are.
        done: How many have completed.
        failed: How many have failed for good.
        canceled: How many were canceled, discarded, or did not get their turn.

    Example:
        >>> progress = FlowProgress(total=10, done=4, failed=1)
        >>> progress.pending, progress.status
        (5, 'running')
    """

    total: int
    done: int = 0
    failed: int = 0
    canceled: int = 0

    @property
    def pending(self) -> int:
        """How many wait or run."""
        return self.total - self.done - self.failed - self.canceled

    @property
    def status(self) -> FlowStatus:
        """Where the whole stands; `failed` if one has, `canceled` if none has."""
        if self.pending > 0:
            return "running"
        if self.failed:
            return "failed"
        return "canceled" if self.canceled else "complete"
