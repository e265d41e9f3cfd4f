from __future__ import annotations

from typing import TYPE_CHECKING

from jtc.jobs.chain_handle import ChainHandle
from jtc.jobs.errors import InvalidFlow
from jtc.jobs.flow_plan import FlowPlan, plan_of
from jtc.jobs.planned_flow import PlannedFlow

if TYPE_CHECKING:
    from jtc.jobs.batch import Batch
    from jtc.jobs.job import Job


class Chain(PlannedFlow[ChainHandle]):
    """Jobs of which each is enqueued when the one before it has completed.

    A job that fails for good, is discarded or canceled ends the chain. Put back by
    `jtc queue retry`, a failed one goes on with it.

    Args:
        jobs: The jobs in their order, all in one queue.
        catch: A job, chain or batch that is enqueued, once, when the chain has ended
            before its end.
        queue: The queue for all of them; that of their classes unless given.

    Attributes:
        plan: What is dispatched.

    Raises:
        InvalidFlow: There is no job, or one of them is none.

    Example:
        >>> from jtc.jobs import Job
        >>> class Download(Job):
        ...     url: str
        ...     async def handle(self) -> None: ...
        >>> class Report(Job):
        ...     async def handle(self) -> None: ...
        >>> async def nightly(url: str) -> None:
        ...     handle = await Chain(Download(url=url), Report()).dispatch()
        ...     print((await handle.progress()).done)
    """

    def __init__(
        self,
        *jobs: Job,
        catch: Job | Chain | Batch | None = None,
        queue: str | None = None,
    ) -> None:
        if not jobs:
            raise InvalidFlow("chain", "there is no job in it")
        plan = FlowPlan("chain", jobs, catch=plan_of(catch), queue=queue)
        super().__init__(plan, ChainHandle)

    def __repr__(self) -> str:
        names = ", ".join(type(job).__name__ for job in self.plan.jobs)
        return f"<Chain {names}>"
