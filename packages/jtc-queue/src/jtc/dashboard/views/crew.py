from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jtc.queue import RunningJob, WorkerStatus


@dataclass(frozen=True, slots=True)
class CrewMember:
    """A worker with what it has in hand from all queues.

    Attributes:
        status: How it is.
        jobs: The queue of each job that it runs, and the job.
    """

    status: WorkerStatus
    jobs: Sequence[tuple[str, RunningJob]]


def gather_crew(
    found: Iterable[tuple[str, Sequence[WorkerStatus]]],
) -> Sequence[CrewMember]:
    """Put together what several queues know of their workers.

    Args:
        found: The name of each queue, and its workers.

    Returns:
        Each worker once, in the order of their ids.
    """
    crew: dict[str, CrewMember] = {}
    for queue, workers in found:
        for worker in workers:
            met = crew.get(worker.id)
            jobs = [(queue, job) for job in worker.jobs]
            crew[worker.id] = (
                CrewMember(worker, jobs)
                if met is None
                else CrewMember(_livelier(met.status, worker), [*met.jobs, *jobs])
            )
    return [crew[worker] for worker in sorted(crew)]


def _livelier(one: WorkerStatus, other: WorkerStatus) -> WorkerStatus:
    """Return the status that says more: a lease at one queue may run out first."""
    order = ("working", "stopping", "silent", "gone")
    return min(one, other, key=lambda status: order.index(status.state))
