"""A worker for the tests: runs tasks that note each tick in a file.

Arguments: URL, file, and as JSON a list of objects with "name", "every" and options.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from jtc.queue import (
    RedisQueue,
    Scheduler,
    TaskFunction,
    Worker,
    open_client,
    scheduler,
    syncing,
    task_function_name,
)
from jtc.schedule import ScheduledTask

URL, NOTES, TASKS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

# A minute is too long for a test.
syncing.ABANDONED_AFTER = 4
scheduler.SYNC_EVERY = 1


def tell(ctx: dict[str, Any]) -> None:
    tick = ctx["tick"]
    line = [tick.name, int(tick.nominal.timestamp()), os.getpid()]
    with Path(NOTES).open("a") as file:
        file.write(json.dumps(line) + "\n")


async def main() -> None:
    tasks = [ScheduledTask(tell, t.pop("every"), **t) for t in TASKS]
    queue = RedisQueue(open_client(URL))
    functions = [(task_function_name(task), TaskFunction(task)) for task in tasks]
    await Worker(queue, functions, scheduler=Scheduler(queue, tasks)).start()
    await queue.disconnect()


asyncio.run(main())
