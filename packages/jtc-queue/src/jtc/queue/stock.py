from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from jtc.queue.claimed_job import ClaimedJob, Hold

HORIZON = 0.01
"""Seconds of work that may lie in stock."""
MOST = 100
PACE_LASTS = 1.0
"""Seconds."""
STALE_AFTER = 0.1
"""Seconds after which claimed jobs that were not begun are given back."""


class Stock:
    """Jobs that a worker has claimed and not begun, because its slots are full.

    Where jobs end within a millisecond or so, a round trip for each free slot would
    take longer than the work. A hundredth of a second's work is then claimed ahead:
    too little to be missed by a worker that has nothing to do. Where jobs take longer,
    nothing is.

    Args:
        slots: How many jobs the worker runs at once.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._jobs: deque[tuple[ClaimedJob, float]] = deque()
        self._claimed_at = 0.0
        self._ahead = 0
        # Where the pace is measured from: how many had ended, and when.
        self._mark = (0, 0.0)

    def __len__(self) -> int:
        return len(self._jobs)

    def room(self, free: int, *, ended: int, now: float) -> int:
        """Return how many jobs to claim.

        Args:
            free: How many could begin at once.
            ended: How many attempts have ended so far.
            now: A monotonic clock, in seconds.
        """
        self._measure(ended, now)
        if len(self._jobs) > self._ahead // 2:
            return 0
        return free + self._ahead - len(self._jobs)

    def add(self, jobs: Iterable[ClaimedJob], *, server_now: float, now: float) -> None:
        """Lay in jobs that were just claimed, by the server's clock and by ours."""
        self._jobs.extend((job, server_now) for job in jobs)
        self._claimed_at = now

    def take(self) -> tuple[ClaimedJob, float]:
        """Return the next job and the server's clock when it was claimed."""
        return self._jobs.popleft()

    @property
    def jobs(self) -> list[ClaimedJob]:
        """The jobs, the next one first."""
        return [job for job, _ in self._jobs]

    @property
    def holds(self) -> set[Hold]:
        """Id and claim of each job."""
        return {job.hold for job in self.jobs}

    def drop(self, holds: set[Hold]) -> None:
        """Forget jobs that are not ours any more."""
        if holds:
            kept = [one for one in self._jobs if one[0].hold not in holds]
            self._jobs = deque(kept)

    def is_stale(self, now: float) -> bool:
        """Tell whether jobs have lain here for longer than they should."""
        return bool(self._jobs) and now - self._claimed_at > STALE_AFTER

    def clear(self) -> list[ClaimedJob]:
        """Take out all jobs, the last one first: so they go back in their order."""
        jobs = self.jobs[::-1]
        self._jobs.clear()
        self._ahead = 0
        return jobs

    def _measure(self, ended: int, now: float) -> None:
        """Take the pace whenever as many attempts have ended as there are slots.

        Not more often: of a few one cannot tell. What is older than a second says
        nothing about the jobs that come next.
        """
        before, since = self._mark
        if now - since > PACE_LASTS:
            self._ahead, self._mark = 0, (ended, now)
        elif ended - before >= self._slots:
            self._ahead = jobs_ahead(ended - before, now - since, slots=self._slots)
            self._mark = (ended, now)


def jobs_ahead(ended: int, seconds: float, *, slots: int) -> int:
    """Return how many jobs to claim beyond the free slots.

    None unless every slot has become free within the horizon, on the average.

    Args:
        ended: How many attempts ended in the last `seconds`.
        seconds: How long that took.
        slots: How many jobs run at once.

    Example:
        >>> jobs_ahead(50, 0.005, slots=10), jobs_ahead(50, 5.0, slots=10)
        (100, 0)
    """
    if ended < slots or seconds <= 0:
        return 0
    expected = min(ended / seconds * HORIZON, float(MOST))
    return round(expected) if expected >= slots else 0
