"""Plots of the last hour, worked out here so that a page needs no script to draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jtc.queue import Minute

WIDTH, HEIGHT = 600.0, 120.0
HALF_A_MINUTE, DAY = 30, 86_400
SPANS = (60, 120, 240, 600, 1200, 3600, 7200, 14_400, 28_800, DAY)
GAP = 2.0
"""Between two bars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute of the throughput.

    Attributes:
        minute: What it shows.
        x: Where it begins.
        width: How wide it is.
        complete_y: Where the part of the completed jobs begins, from the top.
        complete_height: How high that is.
        failed_y: The same of the attempts that went wrong.
        failed_height: As above.
    """

    minute: Minute
    x: float
    width: float
    complete_y: float
    complete_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True, slots=True)
class ThroughputPlot:
    """Attempts that ended, minute by minute.

    Attributes:
        bars: One for each minute.
        top: The number at the upper edge.
    """

    bars: Sequence[Bar]
    top: float


@dataclass(frozen=True, slots=True)
class WaitPlot:
    """How long jobs waited, minute by minute.

    Attributes:
        half: Lines through the medians, as SVG writes points: one for each stretch.
        most: The same of the 95th of 100.
        dots: Where minutes are that stand alone: x, y, and whether it is the median.
        top: The seconds at the upper edge.
    """

    half: Sequence[str]
    most: Sequence[str]
    dots: Sequence[tuple[float, float, bool]]
    top: float


def went_wrong(minute: Minute) -> int:
    """Return how many attempts went wrong, those that are retried included."""
    return minute.failed + minute.retried


def plot_throughput(minutes: Sequence[Minute]) -> ThroughputPlot:
    """Draw how many attempts ended, those that went wrong on top."""
    top = nice_top(max(one.complete + went_wrong(one) for one in minutes))
    slot = WIDTH / len(minutes)
    return ThroughputPlot(
        [_bar(one, i * slot, slot - GAP, top) for i, one in enumerate(minutes)], top
    )


def plot_waits(minutes: Sequence[Minute]) -> WaitPlot:
    """Draw how long jobs waited for their first attempt."""
    half = [one.wait_p50 for one in minutes]
    most = [one.wait_p95 for one in minutes]
    top = nice_span(
        max((wait for wait in (*half, *most) if wait is not None), default=0)
    )
    stretches = {True: _stretches(half, top), False: _stretches(most, top)}
    return WaitPlot(
        half=[_points(one) for one in stretches[True] if len(one) > 1],
        most=[_points(one) for one in stretches[False] if len(one) > 1],
        dots=[
            (*one[0], is_half)
            for is_half, found in stretches.items()
            for one in found
            if len(one) == 1
        ],
        top=top,
    )


def nice_top(largest: float) -> float:
    """Return a round number that is no less.

    Example:
        >>> [nice_top(one) for one in (0, 7, 130, 0.031)]
        [1, 10, 200, 0.05]
    """
    if largest <= 0:
        return 1
    unit: float = 10.0 ** math.floor(math.log10(largest))
    top = next(f * unit for f in (1, 2, 5, 10) if largest <= f * unit * (1 + 1e-9))
    return round(top) if top >= 1 else float(f"{top:.1g}")


def nice_span(longest: float) -> float:
    """Return a round duration that is no shorter, in seconds.

    Example:
        >>> [nice_span(one) for one in (0.04, 7, 100, 5000, 100_000)]
        [0.05, 10, 120, 7200, 172800]
    """
    if longest <= HALF_A_MINUTE:
        return nice_top(longest)
    if longest > DAY:
        return nice_top(longest / DAY) * DAY
    return next(span for span in SPANS if longest <= span)


def _bar(minute: Minute, x: float, width: float, top: float) -> Bar:
    good, bad = (n / top * HEIGHT for n in (minute.complete, went_wrong(minute)))
    return Bar(
        minute,
        x=round(x, 2),
        width=round(width, 2),
        complete_y=round(HEIGHT - good, 2),
        complete_height=round(good, 2),
        failed_y=round(HEIGHT - good - bad, 2),
        failed_height=round(bad, 2),
    )


def _stretches(
    values: Sequence[float | None], top: float
) -> list[list[tuple[float, float]]]:
    """Return the points of each stretch without a gap."""
    slot = WIDTH / len(values)
    found: list[list[tuple[float, float]]] = [[]]
    for i, value in enumerate(values):
        if value is not None:
            y = HEIGHT * (1 - value / top)
            found[-1].append((round((i + 0.5) * slot, 2), round(y, 2)))
        elif found[-1]:
            found.append([])
    return [one for one in found if one]


def _points(stretch: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in stretch)
