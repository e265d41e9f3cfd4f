from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from jtc.jobs.blocking import run_blocking
from jtc.jobs.flow_dispatch import start_flow
from jtc.jobs.flow_handle import FlowHandle
from jtc.jobs.flow_plan import FlowPlan

Handle = TypeVar("Handle", bound=FlowHandle)


class PlannedFlow(Generic[Handle]):
    """What a chain and a batch have in common: a plan that is dispatched as a whole.

    Args:
        plan: What is dispatched.
        handle: Makes a handle of the flow's id and the name of its queue.

    Attributes:
        plan: What is dispatched.
    """

    def __init__(self, plan: FlowPlan, handle: Callable[[str, str], Handle]) -> None:
        self.plan = plan
        self._handle = handle

    async def dispatch(self) -> Handle:
        """Enqueue all of it, or nothing: the jobs of a batch, the first of a chain.

        A job that is `unique` runs here whether or not there is an equal one.

        Raises:
            InvalidFlow: The jobs belong to several queues.
            InvalidPayload: A value is of another type; it says in which job.
            FlowNotStarted: What was written of the jobs was gone before they could
                begin; none was enqueued.
        """
        return self._handle(*await start_flow(self.plan))

    def dispatch_blocking(self) -> Handle:
        """Do what `dispatch` does from synchronous code, in any thread.

        Raises:
            RuntimeError: An event loop runs in this thread; await `dispatch` there.
        """
        return run_blocking(self.dispatch)
