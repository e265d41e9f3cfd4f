from __future__ import annotations

from jtc.queue.end import End
from jtc.queue.flow_progress import FlowProgress
from jtc.queue.flows import Flows
from jtc.queue.redis_queue import RedisQueue


class FlowEnd(End):
    """The end of a flow, as somebody sees it who waits for it.

    Args:
        queue: The queue that holds its jobs.
        flow_id: What it is called.

    Attributes:
        progress: How far it had got when it was last seen; None when the queue kept
            nothing about it.
    """

    def __init__(self, queue: RedisQueue, flow_id: str) -> None:
        super().__init__(queue, f"{queue.keys.flow}{flow_id}")
        self.progress: FlowProgress | None = None
        self._flows = Flows(queue)
        self._flow_id = flow_id

    async def read(self) -> bool:
        """Read the progress; tell whether all has ended or is gone."""
        self.progress = await self._flows.progress(self._flow_id)
        return self.progress is None or not self.progress.pending
