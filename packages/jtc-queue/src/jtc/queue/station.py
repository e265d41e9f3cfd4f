from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from jtc.queue.attempts import Attempts
from jtc.queue.claims import Claims
from jtc.queue.draining import within
from jtc.queue.lease import RENEW_EVERY, Lease
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.reporting import Reporting
from jtc.queue.upkeep import Upkeep


class Station:
    """A worker at one of its queues: its claims and its lease there, and the upkeep.

    Args:
        queue: The queue.
        worker: The worker's id.
        attempts: What the worker runs, from this queue and from others.
        reporting: Says how the worker is.
    """

    def __init__(
        self,
        queue: RedisQueue,
        worker: str,
        attempts: Attempts,
        reporting: Reporting,
    ) -> None:
        self.queue = queue
        self.claims = Claims(queue, worker)
        self._attempts = attempts
        self._reporting = reporting
        self._lease: Lease | None = None

    async def open(self) -> None:
        """Take a lease and keep renewing it."""
        await self.claims.renew()
        self._lease = Lease(self.claims)
        self._lease.start()

    def upkeep(self) -> Upkeep:
        """Return the upkeep of one run of the worker."""
        return Upkeep(self.queue, self.claims, self._attempts, self._reporting)

    @property
    def foreground_steps(self) -> tuple[Callable[[], Awaitable[float]], ...]:
        """What one job needs that is run in the foreground, round after round."""
        upkeep = self.upkeep()
        return upkeep.watch, upkeep.cancel, upkeep.show, self.renew_later

    async def renew_later(self) -> float:
        """Renew the lease from the event loop, where a thread is not worth it."""
        await asyncio.sleep(RENEW_EVERY)
        await self.claims.renew()
        return 0.0

    async def close(self) -> None:
        """Give up the lease."""
        if self._lease is None:
            return
        self._lease.stop()
        self._lease = None
        # Without these the lease runs out by itself, and so does what is shown.
        for farewell in (self.claims.resign, self._reporting.leave):
            with contextlib.suppress(Exception):
                await within(1.0, farewell())
