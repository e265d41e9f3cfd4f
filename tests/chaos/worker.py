"""A worker of the chaos run: every run of a job is noted in the worker's journal.

Arguments: URL, the run's folder, the worker's id, a JSON object with "lease" (seconds),
"grace" (seconds), "concurrency", "tasks" (name to interval) and "fires" (whether it
fires their ticks).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from journal import Journal
from redis.exceptions import RedisError

from jtc.queue import (
    RedisQueue,
    Scheduler,
    Worker,
    lease,
    lease_time,
    open_client,
    task_function_name,
    upkeep,
)
from jtc.schedule import ScheduledTask

URL, FOLDER, NAME, OPTIONS = sys.argv[1:]
NOT_STARTED = 75
Context = dict[str, Any]

journal = Journal(Path(FOLDER) / "notes", NAME)


class Wanted(Exception):
    """Raised when a job fails as it was told to."""


@contextmanager
def noted(ctx: Context) -> Iterator[None]:
    """Note the start and the end of a job's body, however it ends."""
    job = ctx["job"]
    facts = {"job": job.id, "claim": job.claim, "attempt": job.attempts}
    journal.note("start", **facts, wall=time.time())
    how = "canceled"
    try:
        yield
        how = "done"
    except Exception:
        how = "failed"
        raise
    finally:
        journal.note("end", **facts, how=how)


async def quick(ctx: Context) -> str:
    with noted(ctx):
        return str(ctx["job"].claim)


async def slow(ctx: Context, *, seconds: float) -> str:
    with noted(ctx):
        await asyncio.sleep(seconds)
        return str(ctx["job"].claim)


async def flaky(ctx: Context, *, fails: int) -> str:
    with noted(ctx):
        await asyncio.sleep(0.01)
        if ctx["job"].attempts <= fails:
            raise Wanted
        return str(ctx["job"].claim)


def threaded(ctx: Context, *, seconds: float) -> str:
    with noted(ctx):
        time.sleep(seconds)
        return str(ctx["job"].claim)


class JsonLines(logging.Formatter):
    """One JSON object a record, so that a traceback is one line too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line = {
            "level": record.levelname,
            "action": record.__dict__.get("action", ""),
            "text": record.getMessage(),
            "error": record.exc_info[0].__name__
            if record.exc_info and record.exc_info[0]
            else "",
            "trace": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps(line)


def log_to_file() -> None:
    folder = Path(FOLDER) / "logs"
    folder.mkdir(exist_ok=True)
    handler = logging.FileHandler(folder / f"{NAME}.jsonl")
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def shorten_times(seconds: float) -> None:
    """Let a lease last `seconds` and everything that hangs on it go as much faster."""
    part = seconds * 1000 / lease_time.LEASE_MS
    lease_time.LEASE_MS = round(lease_time.LEASE_MS * part)
    lease.RENEW_EVERY *= part
    upkeep.RECOVER_EVERY *= part


def end_with_the_driver() -> None:
    """End this process when the other end of its standard input is closed."""
    while os.read(0, 1):
        continue
    os._exit(1)


async def main() -> None:
    options = json.loads(OPTIONS)
    shorten_times(options["lease"])
    queue = RedisQueue(open_client(URL))
    tasks = [ScheduledTask(quick, n, name) for name, n in options["tasks"].items()]
    functions = [(task_function_name(task), task.func) for task in tasks]
    worker = Worker(
        queue,
        [quick, slow, flaky, threaded, *functions],
        id=NAME,
        concurrency=options["concurrency"],
        grace=options["grace"],
        startup=lambda _: journal.note("ready"),
        scheduler=Scheduler(queue, tasks) if options["fires"] else None,
    )
    try:
        await worker.start()
    except (RedisError, OSError) as error:
        # A worker that finds no server does not start; whoever runs it tries again.
        journal.note("not started", error=repr(error))
        sys.exit(NOT_STARTED)
    await queue.disconnect()


log_to_file()
threading.Thread(target=end_with_the_driver, daemon=True).start()
asyncio.run(main())
