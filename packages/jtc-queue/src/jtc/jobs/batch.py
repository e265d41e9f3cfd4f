from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jtc.jobs.batch_handle import BatchHandle
from jtc.jobs.flow_plan import FlowPlan, plan_of
from jtc.jobs.planned_flow import PlannedFlow

if TYPE_CHECKING:
    from jtc.jobs.chain import Chain
    from jtc.jobs.job import Job


class Batch(PlannedFlow[BatchHandle]):
    """Jobs that run side by side, and what is to be done when they have ended.

    What follows is a job, or a chain or batch of jobs, and is enqueued once.

    Args:
        jobs: The jobs, all in one queue. If there are none, `then` and `finally_` are
            enqueued at once.
        then: Enqueued when all have completed.
        catch: Enqueued when the first has failed for good.
        finally_: Enqueued when all have ended, however.
        allow_failures: Whether the others run although one has failed; if not, those
            that wait are canceled.
        queue: The queue for all of them; that of their classes unless given.

    Attributes:
        plan: What is dispatched.

    Raises:
        InvalidFlow: One of them is no job.

    Example:
        >>> from jtc.jobs import Job
        >>> class Resize(Job):
        ...     image: int
        ...     async def handle(self) -> None: ...
        >>> class Publish(Job):
        ...     async def handle(self) -> None: ...
        >>> async def upload(images: list[int]) -> None:
        ...     jobs = [Resize(image=image) for image in images]
        ...     handle = await Batch(jobs, then=Publish()).dispatch()
        ...     print((await handle.progress()).pending)
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        *,
        then: Job | Chain | Batch | None = None,
        catch: Job | Chain | Batch | None = None,
        finally_: Job | Chain | Batch | None = None,
        allow_failures: bool = False,
        queue: str | None = None,
    ) -> None:
        plan = FlowPlan(
            "batch",
            tuple(jobs),
            then=plan_of(then),
            catch=plan_of(catch),
            finally_=plan_of(finally_),
            stops=not allow_failures,
            queue=queue,
        )
        super().__init__(plan, BatchHandle)

    def __repr__(self) -> str:
        return f"<Batch of {len(self.plan.jobs)}>"
