from __future__ import annotations

from dataclasses import dataclass

from jtc.jobs.flow_handle import FlowHandle


@dataclass(frozen=True, slots=True)
class BatchHandle(FlowHandle):
    """A dispatched batch: `status`, `progress`, `wait`, `cancel`.

    Example:
        >>> async def percent(batch_id: str) -> int:
        ...     progress = await BatchHandle(batch_id, "default").progress()
        ...     return 100 * (progress.total - progress.pending) // progress.total
    """
