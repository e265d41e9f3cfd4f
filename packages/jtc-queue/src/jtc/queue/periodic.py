from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jtc.queue.outage import backoff, is_outage

logger = logging.getLogger(__name__)


async def repeat(step: Callable[[], Awaitable[float]], *, stop: asyncio.Event) -> None:
    """Run `step` again and again until `stop` is set; no error ends it.

    Args:
        step: Does one round and returns how many seconds to wait before the next.
        stop: Also cuts a wait short.
    """
    failures = 0
    while not stop.is_set():
        try:
            delay = await step()
            failures = 0
        except Exception as error:
            failures += 1
            delay = backoff(failures)
            if not is_outage(error):
                logger.exception("A step of the worker failed; it will be repeated.")
        await pause(delay, stop=stop)


async def pause(seconds: float, *, stop: asyncio.Event) -> None:
    """Wait for `seconds`, or until `stop` is set."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await stop.wait()
    except TimeoutError:
        return
