from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jtc.dashboard.plots import ThroughputPlot, WaitPlot, plot_throughput, plot_waits
from jtc.queue import Minute


@dataclass(frozen=True, slots=True)
class Hour:
    """What the last minutes came to, in numbers and as plots.

    Attributes:
        minutes: The minutes, the oldest first.
        throughput: How many attempts ended.
        waits: How long jobs waited.
    """

    minutes: Sequence[Minute]
    throughput: ThroughputPlot
    waits: WaitPlot

    @property
    def complete(self) -> int:
        """How many completed in all."""
        return sum(one.complete for one in self.minutes)

    @property
    def failed(self) -> int:
        """How many attempts went wrong in all, those that are retried included."""
        return sum(one.failed + one.retried for one in self.minutes)

    @property
    def slowest(self) -> float | None:
        """The longest of the 95th of 100 waits."""
        return _largest([one.wait_p95 for one in self.minutes])


def describe_hour(histories: Sequence[Sequence[Minute]]) -> Hour:
    """Put the last minutes of several queues together.

    Counts are added up. Of the waits that of the slowest queue is shown: those of
    several cannot be added up, and it is the slow one that somebody looks for.
    """
    # Two queues that are asked just before and after the full minute are off by one.
    shared = set.intersection(*({one.at for one in minutes} for minutes in histories))
    columns = zip(
        *([one for one in minutes if one.at in shared] for minutes in histories),
        strict=True,
    )
    minutes = [_merge(column) for column in columns]
    return Hour(minutes, plot_throughput(minutes), plot_waits(minutes))


def _merge(column: Sequence[Minute]) -> Minute:
    def total(count: Callable[[Minute], int]) -> int:
        return sum(map(count, column))

    return Minute(
        column[0].at,
        complete=total(lambda one: one.complete),
        failed=total(lambda one: one.failed),
        retried=total(lambda one: one.retried),
        aborted=total(lambda one: one.aborted),
        wait_p50=_largest([one.wait_p50 for one in column]),
        wait_p95=_largest([one.wait_p95 for one in column]),
    )


def _largest(waits: Sequence[float | None]) -> float | None:
    return max((wait for wait in waits if wait is not None), default=None)
