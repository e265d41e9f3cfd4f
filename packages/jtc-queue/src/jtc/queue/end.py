from __future__ import annotations

import asyncio
import contextlib
import random
from abc import ABC, abstractmethod

from jtc.queue.outage import backoff, is_outage
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.waiting import waiting_of

# Who waits looks so often although nothing was said: what was may have been lost.
LOOK_AGAIN = 5.0


class End(ABC):
    """The end of something in a queue, as somebody sees it who waits for it.

    Args:
        queue: The queue that holds it.
        channel: Where the server tells its end.

    Attributes:
        is_known: Whether the last look was answered.
    """

    def __init__(self, queue: RedisQueue, channel: str) -> None:
        self.is_known = False
        self._queue = queue
        self._channel = channel
        self._failures = 0

    @abstractmethod
    async def read(self) -> bool:
        """Read what the queue says of it; tell whether it has ended or is gone."""

    async def look(self) -> bool:
        """Look once; tell whether it has ended or is gone.

        False also while the server is away.
        """
        try:
            is_over = await self.read()
        except Exception as error:
            if not is_outage(error):
                raise
            self.is_known = False
            self._failures += 1
            return False
        self.is_known = True
        self._failures = 0
        return is_over

    async def wait(self) -> None:
        """Wait until it has ended or is gone, however long the server is away.

        Raises:
            QueueClosed: The connections were closed meanwhile.
        """
        if await self.look():
            return
        async with waiting_of(self._queue.redis).watch(self._channel) as watch:
            while True:
                await watch.wait(self._pause)
                if await self.look():
                    return

    async def comes_within(self, seconds: float | None) -> bool:
        """Wait for it for up to `seconds`; tell whether it came.

        Raises:
            QueueClosed: The connections were closed meanwhile.
        """
        if seconds is not None and seconds <= 0:
            return await self.look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
                return True
        return False

    @property
    def _pause(self) -> float:
        if self._failures:
            return backoff(self._failures)
        # So that many who wait for jobs of one batch do not look in step.
        return LOOK_AGAIN * random.uniform(0.8, 1.2)  # noqa: S311 - no secret depends on it
