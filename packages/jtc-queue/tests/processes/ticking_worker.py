"""A worker for the tests: runs tasks that note each tick in a file.

Arguments: URL, file, seconds that its clock is wrong, "quick" for short leases.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

URL, NOTES, SKEW, MODE = sys.argv[1:5]
_true_time = time.time
time.time = lambda: _true_time() + float(SKEW)

from jtc.queue import (  # noqa: E402 - the clock is wrong from the start
    RedisQueue,
    Scheduler,
    Worker,
    lease,
    lease_time,
    open_client,
    task_function_name,
    upkeep,
)
from jtc.schedule import ScheduledTask  # noqa: E402

if MODE == "quick":
    lease_time.LEASE_MS = 3000
    lease.RENEW_EVERY = 0.5
    upkeep.RECOVER_EVERY = 0.5


def note(event: str, ctx: dict[str, Any]) -> None:
    tick = ctx["tick"]
    line = json.dumps([event, tick.name, int(tick.nominal.timestamp()), os.getpid()])
    with Path(NOTES).open("a") as file:
        file.write(line + "\n")


async def tell(ctx: dict[str, Any]) -> None:
    note("start", ctx)
    await asyncio.sleep(0.05)
    note("done", ctx)


async def main() -> None:
    tasks = [ScheduledTask(tell, n, f"every{n}") for n in (1, 2)]
    queue = RedisQueue(open_client(URL))
    functions = [(task_function_name(task), task.func) for task in tasks]
    await Worker(queue, functions, scheduler=Scheduler(queue, tasks)).start()
    await queue.disconnect()


asyncio.run(main())
