from __future__ import annotations

from typing import TYPE_CHECKING

from jtc.jobs.blocking import run_blocking
from jtc.jobs.chain_handle import ChainHandle
from jtc.jobs.errors import InvalidFlow
from jtc.jobs.flow_dispatch import start_flow
from jtc.jobs.flow_plan import FlowPlan, plan_of

if TYPE_CHECKING:
    from jtc.jobs.batch import Batch
    from jtc.jobs.job import Job


class Chain:
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
        self.plan = FlowPlan("chain", jobs, catch=plan_of(catch), queue=queue)

    def __repr__(self) -> str:
        names = ", ".join(type(job).__name__ for job in self.plan.jobs)
        return f"<Chain {names}>"

    async def dispatch(self) -> ChainHandle:
        """Enqueue the first job; the others follow it.

        A job that is `unique` runs here whether or not there is an equal one.

        Raises:
            InvalidFlow: The jobs belong to several queues.
            InvalidPayload: A value is of another type; it says in which job.
            FlowNotStarted: What was written of the jobs was gone before they could
                begin; none was enqueued.
        """
        return ChainHandle(*await start_flow(self.plan))

    def dispatch_blocking(self) -> ChainHandle:
        """Enqueue the chain from synchronous code, in any thread.

        Raises:
            RuntimeError: An event loop runs in this thread; await `dispatch` there.
        """
        return run_blocking(self.dispatch)
