"""A worker of either engine: its jobs note what happens to them in the list `notes`.

Arguments: URL, "jtc" or "saq", the worker's id, a JSON object with its options.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

import saq
from redis import asyncio as aioredis
from saq.queue.redis import RedisQueue as SaqRedisQueue

from jtc.queue import RedisQueue, Worker, lease, lease_time, open_client, upkeep

URL, ENGINE, WORKER, OPTIONS = *sys.argv[1:4], json.loads(sys.argv[4])

# Seconds of a lease, not a quarter of a minute.
lease_time.LEASE_MS = 1500
lease.RENEW_EVERY = 0.3
upkeep.RECOVER_EVERY = 0.1


async def note(ctx: dict[str, Any], word: str) -> None:
    text = f"{ctx['job'].key} {word} {WORKER}"
    await ctx["worker"].queue.redis.rpush("notes", text)


async def work(ctx: dict[str, Any], *, seconds: float) -> str:
    await note(ctx, "began")
    await asyncio.sleep(seconds)
    await note(ctx, "ended")
    return WORKER


async def block(ctx: dict[str, Any], *, seconds: float) -> str:
    """Let the process stand still in the moment in which it is given another job."""
    await note(ctx, "began")
    await ctx["worker"].queue.enqueue("work", key="next", seconds=0, retries=2)
    time.sleep(seconds)  # noqa: ASYNC251 - that is what it is for
    return WORKER


async def main() -> None:
    functions: Any = [work, block]
    if ENGINE == "saq":
        saq_queue = SaqRedisQueue(aioredis.Redis.from_url(URL))
        timers: Any = {"sweep": 1}
        await saq.Worker(
            saq_queue, functions, id=WORKER, timers=timers, **OPTIONS
        ).start()
        await saq_queue.disconnect()
        return
    queue = RedisQueue(open_client(URL))
    await Worker(queue, functions, id=WORKER, **OPTIONS).start()
    await queue.disconnect()


logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
asyncio.run(main())
