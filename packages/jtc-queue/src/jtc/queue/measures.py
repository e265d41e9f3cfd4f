from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any, Literal

BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
)
"""The upper ends of a histogram's buckets, in seconds; one more holds what is above."""
MOST_NAMES = 1000
OTHERS = "(others)"

Outcome = Literal[
    "complete", "failed", "retried", "released", "canceled", "discarded", "skipped"
]


class Histogram:
    """How many of some times were how long.

    Attributes:
        counts: How many lie in each bucket; see `BOUNDS`.
        total: Their sum in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"counts": list(self.counts), "total": self.total}


class Measures:
    """What the workers of this process have seen of a queue, counted in memory.

    Attributes:
        runs: Seconds that attempts took, by what ran and what came of it.
        waits: Seconds from when a job could be taken to its first attempt.
        lateness: Seconds from a tick's nominal time to its first attempt.
        recovered: How many jobs were taken back from dead workers.
        ticks: How many ticks were skipped or missed, by that and by the reason.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, Outcome], Histogram] = {}
        self.waits = Histogram()
        self.lateness = Histogram()
        self.recovered = 0
        self.ticks: Counter[tuple[Literal["skipped", "missed"], str]] = Counter()

    def ran(self, name: str, outcome: Outcome, seconds: float) -> None:
        """Count an attempt that has ended."""
        times = self.runs.get((name, outcome)) or self._new_times(name, outcome)
        # As `Histogram.add`, without the call: it is done for each job.
        times.counts[bisect_left(BOUNDS, seconds)] += 1
        times.total += seconds

    def snapshot(self) -> dict[str, Any]:
        """Return all of it as JSON, from any thread; the numbers only ever grow."""
        runs: dict[str, dict[str, Any]] = {}
        # Copied in one step: the worker may come upon a new name meanwhile.
        for (name, outcome), times in list(self.runs.items()):
            runs.setdefault(name, {})[outcome] = times.snapshot()
        ticks: dict[str, dict[str, int]] = {}
        for (result, reason), count in list(self.ticks.items()):
            ticks.setdefault(result, {})[reason] = count
        return {
            "runs": runs,
            "waits": self.waits.snapshot(),
            "lateness": self.lateness.snapshot(),
            "recovered": self.recovered,
            "ticks": ticks,
        }

    def _new_times(self, name: str, outcome: Outcome) -> Histogram:
        # Names come out of the queue, and there may be any number of them.
        if len(self.runs) >= MOST_NAMES:
            name = OTHERS
        return self.runs.setdefault((name, outcome), Histogram())
