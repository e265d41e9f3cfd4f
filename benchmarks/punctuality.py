"""Punctuality and cost of scheduled tasks, of jtc beside plain SAQ, in one run.

    python benchmarks/punctuality.py [--ticks 200] [--only late,rest,burst]
                                     [--url redis://localhost:6379]

Each part starts its workers on a server of the script's own, or an empty one of yours.
Read the ratios and the limits that are named, not the times: they are this machine's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis

from throughput import Bench, cpu_seconds, server_at

PROGRAM = Path(__file__).with_name("punctual_workers.py")
REST_SECONDS = 30
BURST = 1000


def measure_lateness(bench: Bench, ticks: int) -> None:
    """Print how late a task's first line is that runs every second, worker idle.

    A bare timer beside our worker says how late the machine itself is.
    """
    found: dict[str, list[float]] = {}
    for contenders in (("saq",), ("jtc", "timer")):
        bench.flush()
        workers = [bench.start(f"ticks-{one}", 0) for one in contenders]
        time.sleep(ticks + 3)
        for contender, worker in zip(contenders, workers, strict=True):
            found[contender] = [late * 1000 for late in stop(worker)][-ticks:]
    print(f"\nMilliseconds from the nominal time to the first line, {ticks} ticks")
    for contender, late in found.items():
        cuts = statistics.quantiles(late, n=100)
        print(
            f"  {contender:24} p50 {cuts[49]:10,.1f}   p99 {cuts[98]:10,.1f}"
            f"   worst {max(late):10,.1f}"
        )


def measure_rest(bench: Bench) -> None:
    """Print what an idle worker costs beside ever more schedules."""
    print("\nAn idle worker with so many schedules")
    for role, counts in (
        ("rest-saq", (10, 1000)),
        ("rest-code", (10, 1000)),
        ("rest-made", (10, 1000, 100_000)),
    ):
        for count in counts:
            commands, share = cost_at_rest(bench, role, count)
            print(
                f"  {NAMES[role]:34} {count:8,}"
                f" {commands:10.1f} commands/s {share:8.2f} % of a core"
            )


NAMES = {
    "rest-saq": "saq, cron jobs",
    "rest-code": "jtc, tasks in code",
    "rest-made": "jtc, made at run time",
}


def cost_at_rest(bench: Bench, role: str, count: int) -> tuple[float, float]:
    bench.flush()
    if role == "rest-made":
        stop(bench.start("fill", count))
    worker = bench.start(role, count)
    time.sleep(8)
    cpu, commands = cpu_seconds(worker.pid), bench.commands()
    time.sleep(REST_SECONDS)
    # The question itself is two commands.
    spent = bench.commands() - commands - 2
    share = (cpu_seconds(worker.pid) - cpu) / REST_SECONDS * 100
    stop(worker)
    return spent / REST_SECONDS, share


def measure_burst(bench: Bench) -> None:
    """Print how long it takes to enqueue tasks that are due in the same second."""
    bench.flush()
    worker = bench.start("burst", BURST)
    with Redis.from_url(bench.url) as client:
        calls, spent = wait_for_burst(client)
    stop(worker)
    print(f"\n{BURST:,} tasks due in the same second, one worker")
    print(f"  enqueued within {spent * 1000:,.0f} ms, by {calls} calls of fire.lua")


def wait_for_burst(client: Redis) -> tuple[int, float]:
    while client.zcard("jtc:default:due") < BURST:
        time.sleep(0.1)
    nominal = float(client.zrange("jtc:default:due", 0, 0, withscores=True)[0][1])
    time.sleep(max(0.0, nominal - time.time() - 0.5))
    before = calls_of_fire(client)
    while client.hlen("jtc:default:last") < BURST:
        time.sleep(0.0005)
    spent = time.time() - nominal
    return calls_of_fire(client) - before, spent


def calls_of_fire(client: Redis) -> int:
    """Return how often fire.lua was called: it alone calls MSET, once."""
    stats = client.info("commandstats")
    return int(stats.get("cmdstat_mset", {}).get("calls", 0))


def stop(worker: subprocess.Popen[str]) -> list[float]:
    out, _ = worker.communicate("stop\n", timeout=300)
    return json.loads(out.splitlines()[-1]) if out.strip() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--only", default="late,rest,burst")
    parser.add_argument("--url")
    options = parser.parse_args()
    with server_at(options.url) as url:
        bench = Bench(url, jobs=0, rounds=1, program=PROGRAM)
        for name in options.only.split(","):
            if name == "late":
                measure_lateness(bench, options.ticks)
            elif name == "rest":
                measure_rest(bench)
            elif name == "burst":
                measure_burst(bench)
            else:
                sys.exit(f"no such part: {name}")


if __name__ == "__main__":
    main()
