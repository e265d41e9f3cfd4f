"""What is measured: the same no-op on SAQ's worker and on ours.

Run as a program it is one worker or one producer of a measurement; see throughput.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import saq
from saq.queue.redis import RedisQueue as SaqQueue

from jtc.jobs import Job, JobManager, default_container, runner, set_container
from jtc.queue import RedisQueue, Worker, open_client

URL = os.environ.get("BENCH_URL", "redis://localhost:6379")
ENQUEUERS = 100
LATENCY_JOBS = 200


class Meter:
    """Counts the jobs of this process and remembers the first and the last."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.last = 0.0
        self.delays: list[float] = []

    def mark(self, sent: float | None) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.count += 1
        if sent is not None:
            self.delays.append(time.time() - sent)


meter = Meter()


class Recorder:
    """A service, to be injected."""

    def mark(self, sent: float | None) -> None:
        meter.mark(sent)


class Noop(Job):
    order_id: int
    sent: float | None = None

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    async def handle(self) -> None:
        self.recorder.mark(self.sent)


async def noop(
    ctx: Any,  # noqa: ARG001
    *,
    order_id: int,  # noqa: ARG001
    sent: float | None = None,
) -> None:
    meter.mark(sent)


def saq_worker() -> tuple[SaqQueue, Any]:
    queue = SaqQueue.from_url(URL)
    return queue, saq.Worker(queue, [noop])


def jtc_worker() -> tuple[RedisQueue, Any]:
    set_container(default_container())
    JobManager.initialize(URL, "default")
    queue = JobManager.get_queue()
    return queue, Worker(queue, [noop, ("runner", runner)])


WORKERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "saq": saq_worker,
    "jtc": jtc_worker,
}


async def work(kind: str) -> None:
    """Work until the queue has been dry for a moment; print what was counted.

    Not before it is told to on standard input: processes are to begin together.
    """
    queue, worker = WORKERS[kind]()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    cpu = time.process_time()
    task = asyncio.create_task(worker.start())
    seen = -1
    while meter.count != seen or not meter.count or await queue.count("incomplete"):
        seen = meter.count
        await asyncio.sleep(0.3)
    span = (meter.first, meter.last)
    report = {"count": meter.count, "span": span, "cpu": time.process_time() - cpu}
    print(json.dumps(report), flush=True)
    await worker.stop()
    await task


async def some(kind: str, count: int) -> None:
    """Work until `count` jobs have run, however many wait; print the rate."""
    _, worker = WORKERS[kind]()
    task = asyncio.create_task(worker.start())
    while meter.count < count:  # noqa: ASYNC110 - other tasks count
        await asyncio.sleep(0.01)
    print(json.dumps({"rate": meter.count / (meter.last - meter.first)}), flush=True)
    await worker.stop()
    await task


async def listen(kind: str) -> None:
    """Work until told to stop on standard input; print the delays."""
    _, worker = WORKERS[kind]()
    task = asyncio.create_task(worker.start())
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps({"delays": meter.delays, "cpu": time.process_time()}), flush=True)
    await worker.stop()
    await task


async def fill(kind: str, count: int) -> None:
    """Put `count` jobs into the queue, by our bulk call: it is not what is measured."""
    JobManager.initialize(URL, "default")
    if kind == "job":
        await Noop.dispatch_many([{"order_id": n} for n in range(count)])
        return
    jobs = [saq.Job(function="noop", kwargs={"order_id": n}) for n in range(count)]
    await JobManager.get_queue().enqueue_many(jobs)


async def delay(kind: str, count: int) -> None:
    """Put `count` jobs into the queue that are due tomorrow."""
    JobManager.initialize(URL, "default")
    later = int(time.time()) + 24 * 3600
    jobs = [
        saq.Job(function=kind, kwargs={"order_id": n}, scheduled=later)
        for n in range(count)
    ]
    await JobManager.get_queue().enqueue_many(jobs)


async def in_lanes(send: Callable[[int], Awaitable[object]], count: int) -> None:
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await send(number)

    await asyncio.gather(*(lane() for _ in range(ENQUEUERS)))


async def enqueue(how: str, count: int) -> None:
    """Print how many jobs a second one producer enqueues."""
    JobManager.initialize(URL, "default")
    plain = SaqQueue.from_url(URL)

    async def by_saq(number: int) -> object:
        return await plain.enqueue("noop", order_id=number)

    async def by_jtc(number: int) -> object:
        return await Noop.dispatch(order_id=number)

    async def as_saq_does(number: int) -> object:
        return await JobManager.get_queue().enqueue("noop", order_id=number)

    calls = {"saq": by_saq, "jtc": by_jtc, "jtc-function": as_saq_does}
    send = calls.get(how) or calls[how.partition("-")[0]]
    await send(0)
    start = time.perf_counter()
    if how.endswith("-many"):
        await Noop.dispatch_many([{"order_id": n} for n in range(count)])
    elif how.endswith("-100"):
        await in_lanes(send, count)
    else:
        for number in range(count):
            await send(number)
    print(json.dumps({"rate": count / (time.perf_counter() - start)}), flush=True)
    await plain.disconnect()


async def ping(kind: str) -> None:
    """Send a job every ten milliseconds, with the time in it."""
    queue = SaqQueue.from_url(URL) if kind == "saq" else RedisQueue(open_client(URL))
    for number in range(LATENCY_JOBS):
        await queue.enqueue("noop", order_id=number, sent=time.time())
        await asyncio.sleep(0.01)
    await settled(queue)
    await queue.disconnect()


async def settled(queue: Any) -> None:
    """Wait until nothing waits or runs."""
    while await queue.count("incomplete"):  # noqa: ASYNC110 - another process works
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    command, kind, *rest = sys.argv[1:]
    calls: dict[str, Any] = {
        "work": work,
        "some": some,
        "listen": listen,
        "fill": fill,
        "delay": delay,
        "enqueue": enqueue,
        "ping": ping,
    }
    call = calls[command]
    asyncio.run(call(kind, *(int(n) for n in rest)))
