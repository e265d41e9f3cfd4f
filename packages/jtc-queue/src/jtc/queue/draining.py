from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jtc.queue.attempts import Attempts

logger = logging.getLogger(__name__)

CANCEL_PATIENCE = 1.0
CANCEL_AGAIN = 0.1
SETTLE_PATIENCE = 5.0


async def drain(attempts: Attempts, *, grace: float, hurry: asyncio.Event) -> None:
    """Let running attempts end, then stop those that do not and give back their jobs.

    Args:
        attempts: No more are started by the time this is called.
        grace: Seconds they get.
        hurry: Cuts the grace short.
    """
    if attempts.running:
        logger.info(
            "Stopping: %d running job(s) have %g s to end; signal again to stop now.",
            len(attempts.running),
            grace,
            extra={"action": "draining"},
        )
        await _wait_for_either(attempts, hurry, grace)
    for attempt in list(attempts.running):
        attempt.release()
    await within(CANCEL_PATIENCE, _until_none_runs(attempts))
    for attempt in list(attempts.running):
        attempts.leave(attempt)
    if not await within(SETTLE_PATIENCE, attempts.wait_until_idle()):
        logger.warning(
            "Some outcomes could not be written while Redis is away. Other workers "
            "will recover their jobs.",
            extra={"action": "unsettled"},
        )


async def within(seconds: float, waiting: Awaitable[object]) -> bool:
    """Wait for something, but not longer than `seconds`; tell whether it came."""
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return False
    return True


async def cancel_all(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    Before Python 3.12, `asyncio.wait_for`, by which the client sends, loses a
    cancellation that comes at the moment in which it is done: hence again and again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_for_either(
    attempts: Attempts, hurry: asyncio.Event, grace: float
) -> None:
    both: list[asyncio.Task[Any]] = [
        asyncio.create_task(_until_none_runs(attempts)),
        asyncio.create_task(hurry.wait()),
    ]
    await asyncio.wait(both, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    await cancel_all(both)


async def _until_none_runs(attempts: Attempts) -> None:
    while attempts.running:
        await attempts.wait_for_change()
