from __future__ import annotations

import asyncio
import contextlib

from jtc.queue.draining import cancel_all


async def test_a_task_that_loses_a_cancellation_is_canceled_again() -> None:
    async def hard_of_hearing() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def fail() -> None:
        raise LookupError

    tasks = [asyncio.create_task(call()) for call in (hard_of_hearing, fail)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await cancel_all(tasks)
    assert tasks[0].cancelled()
    assert isinstance(tasks[1].exception(), LookupError)


async def test_there_may_be_nothing_to_cancel() -> None:
    await cancel_all([])
