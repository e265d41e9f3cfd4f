from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from saq.job import TERMINAL_STATUSES

from jtc.queue.draining import cancel_all
from jtc.queue.errors import QueueClosed
from jtc.queue.outage import backoff, is_outage
from jtc.queue.subscription import Subscription

logger = logging.getLogger(__name__)

# Seconds that the last who waits gives the server to take back a subscription.
PATIENCE = 1.0
_ENDS = frozenset(status.value.encode() for status in TERMINAL_STATUSES)


class Watch:
    """One who waits for news of a job."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._is_closed = False

    def wake(self) -> None:
        """Say that it is time to look at the job."""
        self._news.set()

    def close(self) -> None:
        """Say that there will be no news any more."""
        self._is_closed = True
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it is time to look at the job, but not longer than `seconds`.

        Raises:
            QueueClosed: The connections were closed.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass
        self._news.clear()
        if self._is_closed:
            raise QueueClosed


class Waiting:
    """Those who wait for jobs of one client: they share one connection to the server.

    A job's id is the channel on which it is told how the job goes on. While nobody
    waits, there is no connection and no task.

    Args:
        pool: The client's connections.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._watches: dict[str, set[Watch]] = {}
        self._changed = asyncio.Event()
        self._subscription: Subscription | None = None
        self._listener: asyncio.Task[None] | None = None
        self._newcomer: asyncio.Future[None] | None = None
        self._failures = 0

    @asynccontextmanager
    async def watch(self, job_id: str) -> AsyncIterator[Watch]:
        """Hear of a job inside the context.

        The watch wakes once nothing that is said from now on can be missed, and when
        the job has ended. What is said while the server is away is missed: whoever
        waits looks for himself now and then.

        Args:
            job_id: The job's key in Redis.
        """
        watch = self._join(job_id)
        try:
            yield watch
        finally:
            await self._leave(job_id, watch)

    async def close(self) -> None:
        """End every wait and close the connection."""
        for watches in self._watches.values():
            for watch in watches:
                watch.close()
        self._watches.clear()
        await self._stop()

    def _join(self, job_id: str) -> Watch:
        watch = Watch()
        self._watches.setdefault(job_id, set()).add(watch)
        if self._subscription and job_id in self._subscription.channels:
            watch.wake()
        self._changed.set()
        if self._newcomer is not None:
            self._newcomer.set_result(None)
            self._newcomer = None
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        return watch

    async def _leave(self, job_id: str, watch: Watch) -> None:
        watches = self._watches.get(job_id, set())
        watches.discard(watch)
        if watches:
            return
        self._watches.pop(job_id, None)
        self._changed.set()
        if not self._watches:
            await self._come_to_rest()

    async def _come_to_rest(self) -> None:
        """Wait until the connection is given back, unless somebody comes meanwhile."""
        if self._listener is None:
            return
        if self._subscription is not None:
            if self._newcomer is None:
                self._newcomer = asyncio.get_running_loop().create_future()
            ends = {self._listener, self._newcomer}
            await asyncio.wait(
                ends, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
        if not self._watches:
            await self._stop()

    async def _stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            await cancel_all([listener])

    async def _listen(self) -> None:
        try:
            while self._watches:
                try:
                    await self._subscribe()
                except Exception as error:
                    self._failures += 1
                    self._report(error)
                    await asyncio.sleep(backoff(self._failures))
        finally:
            if self._listener is asyncio.current_task():
                self._listener = None

    async def _subscribe(self) -> None:
        connection = await self._pool.get_connection()
        subscription = Subscription(
            connection, self._watches.keys, self._changed, self._hear
        )
        self._subscription = subscription
        is_clean = False
        try:
            await subscription.serve()
            is_clean = True
        finally:
            if self._subscription is subscription:
                self._subscription = None
            if not is_clean:
                await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    def _hear(self, job_id: str, status: bytes | None) -> None:
        if status is None:
            self._failures = 0
        elif status not in _ENDS:
            return
        for watch in self._watches.get(job_id, ()):
            watch.wake()

    def _report(self, error: Exception) -> None:
        if self._failures > 1 or is_outage(error):
            return
        logger.warning(
            "The server does not let us hear of the jobs that are waited for (%s): "
            "they are looked at every few seconds instead.",
            error,
            extra={"action": "not_subscribed"},
        )


# Whoever waits by one client shares one connection, whatever the queue.
_waitings: WeakKeyDictionary[object, Waiting] = WeakKeyDictionary()


def waiting_of(client: Redis) -> Waiting:
    """Return those who wait for jobs by `client`."""
    waiting = _waitings.get(client)
    if waiting is None:
        waiting = _waitings[client] = Waiting(client.connection_pool)
    return waiting


async def stop_waiting(client: Redis) -> None:
    """End every wait for jobs by `client`, which is about to be closed."""
    waiting = _waitings.pop(client, None)
    if waiting is not None:
        await waiting.close()
