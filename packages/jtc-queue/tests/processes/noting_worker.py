"""A worker for the tests: its jobs note what happens to them in the list `notes`.

Arguments: URL, the worker's id, a JSON object with "grace", "quick" and "wait".
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from jtc.queue import RedisQueue, Worker, lease, lease_time, open_client, upkeep

URL, WORKER, OPTIONS = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

if OPTIONS.get("quick"):
    lease_time.LEASE_MS = 1500
    lease.RENEW_EVERY = 0.3
    upkeep.RECOVER_EVERY = 0.1


async def note(ctx: dict[str, Any], word: str) -> None:
    text = f"{ctx['job'].key} {word} {WORKER}"
    await ctx["queue"].redis.rpush("notes", text)


async def work(ctx: dict[str, Any], *, seconds: float) -> str:
    await note(ctx, "began")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await note(ctx, "canceled")
        raise
    await note(ctx, "ended")
    return WORKER


async def until(ctx: dict[str, Any], *, seconds: float) -> str:
    """End as soon as the process runs again after `seconds`."""
    await note(ctx, "began")
    await asyncio.sleep(seconds)
    return WORKER


async def block(ctx: dict[str, Any], *, seconds: float) -> str:
    """Hold up the event loop and everything on it."""
    await note(ctx, "began")
    time.sleep(seconds)  # noqa: ASYNC251 - what must not be done is what is tested
    await note(ctx, "ended")
    return WORKER


async def die(ctx: dict[str, Any]) -> None:
    await note(ctx, "died")
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    queue = RedisQueue(open_client(URL))
    worker = Worker(
        queue, [work, until, block, die], id=WORKER, grace=OPTIONS.get("grace", 300)
    )
    await worker.start()
    await queue.disconnect()


logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
asyncio.run(main())
