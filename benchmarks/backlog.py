"""What a long backlog costs: throughput and memory with a million jobs waiting.

    python benchmarks/backlog.py [--jobs 1000000] [--delayed 100000]

Read the ratios; the server needs about half a kilobyte of memory for each job.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile

from redis import Redis

from jtc.queue.embedded import EmbeddedServer
from throughput import Bench

SHORT = 10_000
GROUP = 50_000
MEASURED = 20_000


def memory(bench: Bench) -> int:
    with Redis.from_url(bench.url) as client:
        return int(client.info("memory")["used_memory"])


def memory_per_job(bench: Bench, how: str, *, empty: int) -> float:
    # Against the server as it was at first: one that was emptied frees memory later.
    bench.flush()
    bench.run("enqueue", how, MEASURED)
    return (memory(bench) - empty) / MEASURED


def fill(bench: Bench, command: str, count: int) -> None:
    for start in range(0, count, GROUP):
        bench.run(command, "noop", min(GROUP, count - start))


def rate(bench: Bench, waiting: int, delayed: int) -> float:
    bench.flush()
    fill(bench, "fill", waiting)
    fill(bench, "delay", delayed)
    return float(bench.run("some", "jtc", SHORT)["rate"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--delayed", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(folder) as server:
        bench = Bench(server.url, jobs=0, rounds=options.rounds)
        empty = memory(bench)
        saq = memory_per_job(bench, "saq-100", empty=empty)
        jtc = memory_per_job(bench, "jtc-function", empty=empty)
        print("Bytes for each job that waits")
        print(f"  saq {saq:26,.0f}   x   1.00")
        print(f"  jtc {jtc:26,.0f}   x {jtc / saq:6.2f}")
        print("Jobs a second, one worker")
        short = [rate(bench, SHORT, 0) for _ in range(bench.rounds)]
        long = rate(bench, options.jobs, options.delayed)
        base = statistics.median(short)
        print(f"  {SHORT:>10,} waiting {base:20,.0f}   x   1.00")
        print(
            f"  {options.jobs:>10,} waiting, {options.delayed:,} delayed"
            f" {long:10,.0f}   x {long / base:6.2f}"
        )


if __name__ == "__main__":
    main()
