from __future__ import annotations

from dataclasses import dataclass

from jtc.jobs.errors import FlowNotFound, FlowTimeout
from jtc.jobs.manager import JobManager
from jtc.queue.flow_end import FlowEnd
from jtc.queue.flow_progress import FlowProgress, FlowStatus
from jtc.queue.flows import Flows


@dataclass(frozen=True, slots=True)
class FlowHandle:
    """A dispatched batch or chain, to be looked at from any process and event loop.

    Attributes:
        id: What the queue calls it. With the queue's name, it makes a handle anywhere.
        queue_name: The queue that holds its jobs.
    """

    id: str
    queue_name: str

    async def status(self) -> FlowStatus:
        """Return where the whole stands.

        `running` (also while its jobs wait), `complete` (every job), `failed` (at least
        one), `canceled` (none failed, but not all completed), or `unknown`: the queue
        keeps nothing about it, because what it kept has expired.
        """
        progress = await self._flows.progress(self.id)
        return progress.status if progress else "unknown"

    async def progress(self) -> FlowProgress:
        """Return how many of its jobs have ended, and as what.

        Raises:
            FlowNotFound: The queue keeps nothing about it.
        """
        return self._known(await self._flows.progress(self.id))

    async def wait(self, timeout: float | None = None) -> FlowProgress:  # noqa: ASYNC109 - a wait for the jobs, not for this call
        """Wait until all of its jobs have ended.

        All waits of an event loop share one connection, on which the server tells the
        end. While the server is away, they wait for it too.

        Args:
            timeout: Seconds to wait; without end unless given, 0 looks once.

        Raises:
            FlowNotFound: The queue keeps nothing about it.
            FlowTimeout: They did not end in time; also a `TimeoutError`.
            QueueClosed: The connections were closed meanwhile.
        """
        end = FlowEnd(JobManager.open_queue(self.queue_name), self.id)
        if not await end.comes_within(timeout):
            pending = end.progress.pending if end.is_known and end.progress else None
            raise FlowTimeout(self.id, timeout or 0, pending)
        return self._known(end.progress)

    async def cancel(self) -> bool:
        """Cancel the jobs that wait, and have those that run stopped by their workers.

        Returns:
            False when all had ended, or the queue keeps nothing about it.
        """
        return await self._flows.cancel(self.id)

    @property
    def _flows(self) -> Flows:
        return Flows(JobManager.open_queue(self.queue_name))

    def _known(self, progress: FlowProgress | None) -> FlowProgress:
        if progress is None:
            raise FlowNotFound(self.id, self.queue_name)
        return progress
