from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jtc.dashboard.plots import HEIGHT, WIDTH, nice_top, plot_throughput, plot_waits
from jtc.dashboard.views.hour import describe_hour
from jtc.queue import Minute

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
COUNTS = st.integers(min_value=0, max_value=10**9)
WAITS = st.none() | st.floats(min_value=0, max_value=1e6)


@st.composite
def hours(draw: st.DrawFn) -> list[Minute]:
    """Some minutes in a row."""
    return [
        Minute(
            START + timedelta(minutes=number),
            complete=draw(COUNTS),
            failed=draw(COUNTS),
            retried=draw(COUNTS),
            wait_p50=draw(WAITS),
            wait_p95=draw(WAITS),
        )
        for number in range(draw(st.integers(min_value=1, max_value=20)))
    ]


@given(hours())
def test_every_bar_is_inside_the_plot_and_beside_its_neighbors(
    minutes: list[Minute],
) -> None:
    bars = plot_throughput(minutes).bars

    assert len(bars) == len(minutes)
    for bar in bars:
        assert bar.failed_y >= -0.01
        assert bar.x + bar.width <= WIDTH
        total = bar.failed_height + bar.complete_height
        assert abs(bar.failed_y + total - HEIGHT) < 0.05
    assert all(one.x + one.width < next_one.x for one, next_one in pairwise(bars))


@given(hours())
def test_every_wait_is_drawn_once_inside_the_plot(minutes: list[Minute]) -> None:
    plot = plot_waits(minutes)

    drawn = [
        tuple(map(float, point.split(",")))
        for points in (*plot.half, *plot.most)
        for point in points.split()
    ]
    drawn += [(x, y) for x, y, _ in plot.dots]
    waits = [w for m in minutes for w in (m.wait_p50, m.wait_p95) if w is not None]
    assert len(drawn) == len(waits)
    assert all(0 <= x <= WIDTH and -0.01 <= y <= HEIGHT for x, y in drawn)


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_the_upper_edge_is_a_round_number_not_far_above(largest: float) -> None:
    top = nice_top(largest)

    assert largest <= top * 1.001
    assert top <= largest * 2.6


def test_queues_are_added_up_minute_by_minute_and_the_slowest_one_counts() -> None:
    one = [Minute(START, complete=1, failed=2, wait_p50=0.1, wait_p95=1.0)]
    late = Minute(START + timedelta(minutes=1), complete=100)
    other = [Minute(START, complete=10, retried=1, wait_p50=0.2), late]

    hour = describe_hour([one, other])

    assert hour.minutes == [
        Minute(START, complete=11, failed=2, retried=1, wait_p50=0.2, wait_p95=1.0)
    ]
    assert (hour.complete, hour.failed, hour.slowest) == (11, 3, 1.0)
