"""What punctuality.py measures: SAQ's worker and ours, with scheduled tasks.

Run as a program it is one worker of a measurement, which ends when its standard input
does; see punctuality.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import saq
from saq.queue.redis import RedisQueue as SaqQueue

from jtc.queue import (
    RedisQueue,
    Scheduler,
    Schedules,
    Worker,
    open_client,
    task_function_name,
)
from jtc.schedule import ScheduledTask

URL = os.environ.get("BENCH_URL", "redis://localhost:6379")
FAR = "0 0 1 1 *"
"""Due once a year."""

late: list[float] = []


async def jtc_tick(ctx: Any) -> None:
    late.append(time.time() - ctx["tick"].nominal.timestamp())


async def saq_tick(ctx: Any) -> None:
    late.append(time.time() - ctx["job"].scheduled)


async def nothing(ctx: Any) -> None:
    pass


def jtc_worker(tasks: list[ScheduledTask]) -> Worker:
    queue = RedisQueue(open_client(URL))
    functions = [(task_function_name(task), task.func) for task in tasks]
    return Worker(
        queue, functions or [nothing], scheduler=Scheduler(queue, tasks), id="bench"
    )


def saq_worker(crons: list[tuple[str, Any]]) -> Any:
    jobs = [saq.CronJob(function, cron=cron) for cron, function in crons]
    return saq.Worker(SaqQueue.from_url(URL), [nothing], cron_jobs=jobs)


class Timer:
    """What this machine itself is late by: an event loop that does nothing else."""

    async def start(self) -> None:
        self._task = asyncio.current_task()
        while True:
            nominal = time.time() // 1 + 1
            await asyncio.sleep(nominal - time.time())
            late.append(time.time() - nominal)

    async def stop(self) -> None:
        self._task.cancel()


def numbered(count: int) -> list[tuple[str, Any]]:
    """Return functions of different names: SAQ knows a schedule by its function's."""
    found = []
    for number in range(count):

        async def task(ctx: Any) -> None:
            pass

        task.__qualname__ = task.__name__ = f"task{number}"
        found.append((FAR, task))
    return found


def worker_for(role: str, count: int) -> Any:
    if role.startswith("ticks-"):
        return ticking(role)
    if role == "rest-saq":
        return saq_worker(numbered(count))
    if role == "rest-code":
        pairs = numbered(count)
        return jtc_worker([ScheduledTask(f, c, f.__name__) for c, f in pairs])
    if role == "burst":
        tasks = [ScheduledTask(nothing, 60, f"task{n}") for n in range(count)]
        return jtc_worker(tasks)
    return jtc_worker([])


def ticking(role: str) -> Any:
    if role == "ticks-jtc":
        return jtc_worker([ScheduledTask(jtc_tick, 1, "tick")])
    if role == "ticks-saq":
        # SAQ takes the seconds last.
        return saq_worker([("* * * * * *", saq_tick)])
    return Timer()


async def work(role: str, count: int) -> None:
    worker = worker_for(role, count)
    task = asyncio.create_task(worker.start())
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(late), flush=True)
    await worker.stop()
    await asyncio.wait([task])


async def fill(count: int) -> None:
    """Make schedules at run time."""
    queue = RedisQueue(open_client(URL))
    schedules = Schedules(queue, [ScheduledTask(nothing, 86400, "target")])
    for start in range(0, count, 5000):
        await schedules.add_many(
            {"name": f"s{n}", "cron": FAR, "task": "target"}
            for n in range(start, min(start + 5000, count))
        )
    await queue.disconnect()


if __name__ == "__main__":
    role, count = sys.argv[1], int(sys.argv[2])
    asyncio.run(fill(count) if role == "fill" else work(role, count))
