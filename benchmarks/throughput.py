"""Throughput, latency and cost at rest of jtc beside plain SAQ, in one run.

    python benchmarks/throughput.py [--jobs 20000] [--rounds 3] [--only work,enqueue]
                                    [--url redis://localhost:6379]

The contenders take turns on one server, so what disturbs the machine disturbs both:
read the ratios, not the times. The server is the script's own, which appends to a file,
or an empty one of yours.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from jtc.queue.embedded import EmbeddedServer

PROGRAM = Path(__file__).with_name("contenders.py")
SLOWER = 8
"""How many times fewer jobs SAQ gets, to take about as long."""
REST_SECONDS = 30

Row = tuple[str, list[float], str]


class Bench:
    """Runs contenders as processes against one server."""

    def __init__(
        self, url: str, jobs: int, rounds: int, program: Path = PROGRAM
    ) -> None:
        self.url = url
        self.program = program
        self.jobs = jobs
        self.rounds = rounds

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.program), *map(str, words)],
            env={**os.environ, "BENCH_URL": self.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: object) -> Any:
        return read(self.start(*words))

    def flush(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def commands(self) -> int:
        with Redis.from_url(self.url) as client:
            return int(client.info("stats")["total_commands_processed"])

    def server_cpu(self) -> float:
        with Redis.from_url(self.url) as client:
            spent = client.info("cpu")
        return float(spent["used_cpu_user"] + spent["used_cpu_sys"])


@contextmanager
def server_at(url: str | None) -> Iterator[str]:
    """Start a server, or take an empty one: it is going to be flushed.

    Raises:
        SystemExit: It is not empty.
    """
    if url is None:
        with tempfile.TemporaryDirectory() as folder, EmbeddedServer(folder) as server:
            yield server.url
        return
    with Redis.from_url(url) as client:
        if client.info("keyspace"):
            raise SystemExit(f"{url} is not empty: a measurement would delete it all.")
    yield url
    with Redis.from_url(url) as client:
        client.flushall()


def read(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=600)
    if process.returncode:
        message = f"{process.args} ended with {process.returncode}"
        raise RuntimeError(message)
    return json.loads(out.splitlines()[-1]) if out.strip() else None


class Work(NamedTuple):
    """Jobs a second, and what one cost, in seconds of a processor."""

    rate: float
    by_workers: float
    by_server: float


def measure_one(bench: Bench, worker: str, job: str, processes: int = 1) -> Work:
    count = bench.jobs // SLOWER if worker == "saq" else bench.jobs
    bench.flush()
    bench.run("fill", job, count)
    running = [bench.start("work", worker) for _ in range(processes)]
    for process in running:
        process.stdout.readline()  # that it is ready
    server = bench.server_cpu()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    reports = [read(process) for process in running]
    done = sum(report["count"] for report in reports)
    if done < count:
        message = f"{worker}: {done} of {count} jobs ran"
        raise RuntimeError(message)
    # perf_counter is one clock for all processes of a machine.
    spans = [report["span"] for report in reports if report["count"]]
    seconds = max(last for _, last in spans) - min(first for first, _ in spans)
    by_workers = sum(report["cpu"] for report in reports) / done
    return Work(done / seconds, by_workers, (bench.server_cpu() - server) / done)


def enqueue_rate(bench: Bench, how: str) -> float:
    bench.flush()
    count = bench.jobs // 2 if how.endswith("-many") else bench.jobs // 8
    return float(bench.run("enqueue", how, count)["rate"])


def latencies(bench: Bench, worker: str) -> list[float]:
    bench.flush()
    listener = bench.start("listen", worker)
    time.sleep(2)
    bench.run("ping", worker)
    out, _ = listener.communicate("stop\n", timeout=60)
    return [float(delay) * 1000 for delay in json.loads(out.splitlines()[-1])["delays"]]


def at_rest(bench: Bench, worker: str) -> tuple[float, float]:
    """Return commands a second and per cent of a core."""
    bench.flush()
    listener = bench.start("listen", worker)
    time.sleep(3)
    cpu, commands = cpu_seconds(listener.pid), bench.commands()
    time.sleep(REST_SECONDS)
    # The question itself is two commands.
    spent = bench.commands() - commands - 2
    share = (cpu_seconds(listener.pid) - cpu) / REST_SECONDS * 100
    listener.communicate("stop\n", timeout=60)
    return spent / REST_SECONDS, share


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_work(bench: Bench) -> None:
    found: dict[str, list[Work]] = {}
    contenders = [
        ("saq.Worker, function", "saq", "noop", 1),
        ("jtc, function", "jtc", "noop", 1),
        ("jtc, Job with payload and service", "jtc", "job", 1),
        ("jtc, function, two processes", "jtc", "noop", 2),
        ("jtc, Job, two processes", "jtc", "job", 2),
    ]
    for _ in range(bench.rounds):
        for name, worker, job, processes in contenders:
            work = measure_one(bench, worker, job, processes)
            found.setdefault(name, []).append(work)
    rates = {name: [work.rate for work in works] for name, works in found.items()}
    show("Jobs a second (concurrency 10)", rates)
    for title, work_of in (
        ("Microseconds of a processor for each job, in the workers", "by_workers"),
        ("Microseconds of a processor for each job, in the server", "by_server"),
    ):
        costs = {
            name: [getattr(work, work_of) * 1e6 for work in works]
            for name, works in found.items()
        }
        show(title, costs)
    for kind in ("function", "Job"):
        show_gain(rates, kind)


def show_gain(rates: dict[str, list[float]], kind: str) -> None:
    """Print what a second process brings; it shares the processors with the server."""
    one = next(v for k, v in rates.items() if k.startswith(f"jtc, {kind}"))
    two = rates[f"jtc, {kind}, two processes"]
    gains = sorted(b / a for a, b in zip(one, two, strict=True))
    words = ", ".join(f"{gain:.2f}" for gain in gains)
    print(f"\nTwo processes beside one, {kind}, {os.cpu_count()} processors: {words}")


def measure_enqueue(bench: Bench) -> None:
    for title, base, *others in (
        ("Enqueued a second, one by one", "saq-1", "jtc-1"),
        ("Enqueued a second, 100 at once", "saq-100", "jtc-100", "jtc-many"),
    ):
        rows: dict[str, list[float]] = {}
        for _ in range(bench.rounds):
            for how in (base, *others):
                rows.setdefault(how, []).append(enqueue_rate(bench, how))
        show(title, rows)


def measure_latency(bench: Bench) -> None:
    rows: dict[str, list[float]] = {}
    for _ in range(bench.rounds):
        for worker in ("saq", "jtc"):
            values = latencies(bench, worker)
            cuts = statistics.quantiles(values, n=100)
            rows.setdefault(f"{worker} p50", []).append(cuts[49])
            rows.setdefault(f"{worker} p99", []).append(cuts[98])
    for part in ("p50", "p99"):
        pair = {f"{w} {part}": rows[f"{w} {part}"] for w in ("saq", "jtc")}
        show(f"Milliseconds from enqueue to first line, idle worker, {part}", pair)


def measure_rest(bench: Bench) -> None:
    found = {worker: at_rest(bench, worker) for worker in ("saq", "jtc")}
    print("\nAn idle worker")
    for worker, (commands, share) in found.items():
        print(f"  {worker:40} {commands:8.1f} commands/s {share:8.2f} % of a core")


def show(title: str, rows: dict[str, list[float]]) -> None:
    print(f"\n{title}")
    base = next(iter(rows.values()))
    for name, values in rows.items():
        ratios = [value / first for value, first in zip(values, base, strict=True)]
        print(
            f"  {name:40} {statistics.median(values):12,.2f}"
            f"   x {statistics.median(ratios):6.2f}"
        )


MEASUREMENTS: dict[str, Callable[[Bench], None]] = {
    "work": measure_work,
    "enqueue": measure_enqueue,
    "latency": measure_latency,
    "rest": measure_rest,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(MEASUREMENTS))
    parser.add_argument("--url")
    options = parser.parse_args()
    with server_at(options.url) as url:
        bench = Bench(url, options.jobs, options.rounds)
        for name in options.only.split(","):
            MEASUREMENTS[name](bench)


if __name__ == "__main__":
    main()
