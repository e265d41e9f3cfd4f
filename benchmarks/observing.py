"""What it costs a worker that it counts, and that somebody reads what it counts.

    python benchmarks/observing.py [--jobs 100000] [--rounds 3] [--url URL]

One worker takes turns of a quarter of a second: in one it counts, in the other one what
counts does nothing. A machine that gets slower meanwhile makes both slower. The server
is the script's own, or an empty one of yours.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest

import contenders
from jtc.metrics import WorkerCollector
from jtc.queue import attempts, outcomes
from throughput import Bench, server_at

TURN = 0.25
READS = 50
COUNTS = ((attempts, "latency"), (attempts, "observe_start"), (outcomes, "observe_end"))


class Turn(NamedTuple):
    """What a job cost, in microseconds of a processor."""

    counting: float
    not_counting: float


@contextmanager
def not_counting() -> Iterator[None]:
    former = [(module, name, getattr(module, name)) for module, name in COUNTS]
    for module, name, _ in former:
        setattr(module, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for module, name, function in former:
            setattr(module, name, function)


async def spend(seconds: float) -> float:
    """Return what a job costs while the worker works for so long."""
    jobs, cpu = contenders.meter.count, time.process_time()
    await asyncio.sleep(seconds)
    done = contenders.meter.count - jobs
    return (time.process_time() - cpu) / max(done, 1) * 1e6


async def take_turns(count: int) -> list[Turn]:
    turns: list[Turn] = []
    # Until a part of the jobs is left: a queue that runs dry is another matter.
    while contenders.meter.count < count * 0.9:
        # Either one first in turn.
        before = await spend(TURN) if len(turns) % 2 else 0.0
        with not_counting():
            other = await spend(TURN)
        turns.append(Turn(before or await spend(TURN), other))
    return turns


def read_seconds(worker: Any) -> float:
    """Return what it takes of a processor to read all that the worker has counted."""
    registry = CollectorRegistry()
    registry.register(WorkerCollector(worker))
    times = []
    for _ in range(READS):
        started = time.process_time()
        generate_latest(registry)
        times.append(time.process_time() - started)
    return statistics.median(times)


async def work(count: int) -> tuple[list[Turn], float]:
    """Work until hardly a job is left."""
    contenders.meter.count = 0
    queue, worker = contenders.jtc_worker()
    worker.vitals.watch()
    task = asyncio.create_task(worker.start())
    await asyncio.sleep(TURN)
    turns = await take_turns(count)
    await contenders.settled(queue)
    read = read_seconds(worker)
    await worker.stop()
    await task
    return turns, read


def show(kind: str, turns: list[Turn], read: float) -> None:
    ratios = [one.counting / one.not_counting for one in turns]
    quarters = statistics.quantiles(ratios)
    # Of a median, by the spread of the half in the middle.
    error = 0.93 * (quarters[2] - quarters[0]) / len(ratios) ** 0.5
    base = statistics.median(one.not_counting for one in turns)
    print(f"\n{kind}: {base:.1f} us of a processor for a job, {len(turns)} turns")
    print(f"  counting          x {statistics.median(ratios):.3f} +- {error:.3f}")
    print(f"  read each second  + {read:.4f} of a processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url")
    options = parser.parse_args()
    with server_at(options.url) as url:
        contenders.URL = url
        bench = Bench(url, options.jobs, options.rounds)
        for kind, name in (("noop", "function"), ("job", "Job")):
            turns: list[Turn] = []
            for _ in range(options.rounds):
                bench.flush()
                bench.run("fill", kind, options.jobs)
                more, read = asyncio.run(work(options.jobs))
                turns += more
            show(name, turns, read)


if __name__ == "__main__":
    main()
