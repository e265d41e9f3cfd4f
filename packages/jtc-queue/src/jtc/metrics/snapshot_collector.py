from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import metadata
from itertools import accumulate
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from jtc.metrics.families import Families

Snapshot = Mapping[str, Any]
"""What `jtc.queue.vitals.Vitals.snapshot` returns, or the sum of several."""

STALE_AFTER = 20.0
"""Seconds after which it is better to say nothing of a queue than what was so then."""
# There from the start: a series that begins at 1 never rose, as Prometheus sees it.
USUAL_OUTCOMES = ("complete", "failed", "retried")
USUAL_MISSES = ("catchup_limit", "catchup_window", "down", "no_worker", "overdue")


class SnapshotCollector(Collector):
    """Shows what workers count to Prometheus's client.

    It asks when it is asked: a job costs a worker nothing for it.

    Args:
        read: Returns what there is now, in whatever thread asks.
    """

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without their numbers."""
        return Families().all()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""
        return _fill(Families(), self._read(), now=time.monotonic()).all()


def _fill(families: Families, snapshot: Snapshot, *, now: float) -> Families:
    for name, queue in snapshot["queues"].items():
        _add_measures(families, name, queue["measures"], snapshot["bounds"])
        standing = queue["standing"]
        if standing is not None and now - standing["at"] < STALE_AFTER:
            _add_standing(families, name, standing)
    scheduler = snapshot["scheduler"]
    if scheduler is not None and scheduler["looked"] is not None:
        families.heartbeat.add_metric((), time.time() - (now - scheduler["looked"]))
    families.redis.add_metric((), snapshot["redis"])
    families.disruptions.add_metric((), snapshot["disruptions"])
    families.processes.add_metric((), snapshot["processes"])
    families.build.add_metric((), _build())
    return families


def _add_measures(
    families: Families, queue: str, measures: Snapshot, bounds: list[float]
) -> None:
    for name, outcomes in measures["runs"].items():
        counts = {one: sum(times["counts"]) for one, times in outcomes.items()}
        for outcome, count in {**dict.fromkeys(USUAL_OUTCOMES, 0), **counts}.items():
            families.jobs.add_metric((queue, name, outcome), count)
        families.run_seconds.add_metric(
            (queue, name), *_buckets(outcomes.values(), bounds)
        )
    families.latency.add_metric((queue,), *_buckets([measures["waits"]], bounds))
    families.lateness.add_metric((queue,), *_buckets([measures["lateness"]], bounds))
    families.recovered.add_metric((queue,), measures["recovered"])
    ticks = measures["ticks"]
    missed = {**dict.fromkeys(USUAL_MISSES, 0), **ticks.get("missed", {})}
    for reason, count in missed.items():
        families.missed.add_metric((queue, reason), count)
    for reason, count in ticks.get("skipped", {}).items():
        families.skipped.add_metric((queue, reason), count)


def _add_standing(families: Families, queue: str, standing: Snapshot) -> None:
    for state, count in standing["jobs"].items():
        families.queued.add_metric((queue, state), count)
    families.oldest.add_metric((queue,), standing["oldest"])
    families.workers.add_metric((queue,), standing["workers"])
    families.paused.add_metric((queue,), standing["paused"])
    for task, at in standing["successes"].items():
        families.success.add_metric((queue, task), at)


def _buckets(
    histograms: Iterable[Snapshot], bounds: list[float]
) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets, each with all that is below it, and the sum."""
    all_of_them = list(histograms)
    counts = map(sum, zip(*(one["counts"] for one in all_of_them), strict=True))
    ends = [*map(str, bounds), "+Inf"]
    buckets = list(zip(ends, map(float, accumulate(counts)), strict=True))
    return buckets, sum(one["total"] for one in all_of_them)


@cache
def _build() -> dict[str, str]:
    return {
        "version": metadata.version("jtc-queue"),
        "python": platform.python_version(),
    }
