from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jtc.jobs.errors import InvalidFlow
from jtc.jobs.job import Job
from jtc.queue.flow import Kind


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """Jobs that belong together, and what follows them.

    Attributes:
        kind: `batch`: they run side by side; `chain`: one after the other.
        jobs: The jobs.
        then: What follows when all have completed.
        catch: What follows a failure.
        finally_: What follows in any case.
        stops: Whether a failure in a batch cancels what waits.
        queue: The queue for all of them; that of their classes when None.

    Raises:
        InvalidFlow: One of them is no job.
    """

    kind: Kind
    jobs: tuple[Job, ...]
    then: Job | FlowPlan | None = None
    catch: Job | FlowPlan | None = None
    finally_: Job | FlowPlan | None = None
    stops: bool = False
    queue: str | None = None

    def __post_init__(self) -> None:
        for number, job in enumerate(self.jobs):
            self._check(f"job {number}, counted from 0,", job, Job)
        for name, what in self.after.items():
            self._check(name, what, (Job, FlowPlan))

    @property
    def after(self) -> dict[str, Job | FlowPlan]:
        """What follows, by when."""
        after = {"then": self.then, "catch": self.catch, "finally_": self.finally_}
        return {name: what for name, what in after.items() if what is not None}

    def wishes(self) -> Iterator[tuple[str, str | None]]:
        """Name each part and the queue it asks for; None: the process's own."""
        if self.queue is not None:
            yield self.kind, self.queue
            return
        for job in (*self.jobs, *self.after.values()):
            if isinstance(job, FlowPlan):
                yield from job.wishes()
            else:
                yield type(job).__name__, job.__jtc__.options.queue

    def _check(self, place: str, what: object, kinds: type | tuple[type, ...]) -> None:
        if not isinstance(what, kinds):
            example = "a job, as SendInvoice(order_id=7)"
            raise InvalidFlow(self.kind, f"{place} is {what!r}; it has to be {example}")


def plan_of(what: object) -> Any:
    """Return the plan of a chain or a batch; a job is its own."""
    # A job may have a payload field of that name.
    return what if isinstance(what, Job) else getattr(what, "plan", what)
