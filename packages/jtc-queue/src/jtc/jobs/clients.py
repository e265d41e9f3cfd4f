from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

from redis.asyncio import Redis

from jtc.queue.client import open_client
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.waiting import stop_waiting


class LoopClient:
    """One connection pool and the queues that use it, for one event loop."""

    keeper: AsyncGenerator[None, None]
    """What the event loop ends, and with it the connections."""

    def __init__(self, redis_url: str) -> None:
        self.redis: Redis = self.open_redis(redis_url)
        self._queues: dict[str, RedisQueue] = {}

    def queue(self, name: str) -> RedisQueue:
        """Return the queue `name`, the same one each time."""
        if name not in self._queues:
            self._queues[name] = self.open_queue(name)
        return self._queues[name]

    def open_redis(self, redis_url: str) -> Redis:
        """Make the client; it connects when the first command is sent."""
        return open_client(redis_url)

    def open_queue(self, name: str) -> RedisQueue:
        """Make a queue that uses the client."""
        return RedisQueue(self.redis, name=name)

    async def close(self) -> None:
        """End every wait for a job and close the connections."""
        await stop_waiting(self.redis)
        # Not `queue.disconnect()`: SAQ's connects once more, to end a subscription.
        await self.redis.aclose()

    def abandon(self) -> None:
        """Close the sockets of a loop that is gone and can await nothing any more."""
        pool = self.redis.connection_pool
        for connection in (
            *pool._available_connections,  # noqa: SLF001 - there is no other way to
            *pool._in_use_connections,  # noqa: SLF001 - reach the connections
        ):
            writer = connection._writer  # noqa: SLF001
            connection._writer = connection._reader = None  # noqa: SLF001
            if writer is not None:
                _close_socket(writer.transport)


class LoopClients:
    """The clients of one process, one for each event loop and server.

    A connection belongs to the loop in which it was made. A client is closed by the
    shutdown of its loop: `asyncio.run` and `asyncio.Runner` end the asynchronous
    generators of a loop before they close it. Those of loops that were closed without
    that are dropped when the next client is made.

    Args:
        make: Makes the client for a URL.
    """

    def __init__(self, make: Callable[[str], LoopClient] = LoopClient) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._clients: dict[tuple[asyncio.AbstractEventLoop, str], LoopClient] = {}

    def get(self, redis_url: str) -> LoopClient:
        """Return the running loop's client; without a loop, a new one on each call."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._make(redis_url)
        client = self._clients.get((loop, redis_url))
        return client or self._open(loop, redis_url)

    async def close(self) -> None:
        """Close the clients of the running loop."""
        loop = asyncio.get_running_loop()
        own = [key for key in list(self._clients) if key[0] is loop]
        # Taken out first, so that two who close at once do not close the same one.
        for client in [self._clients.pop(key) for key in own]:
            await client.keeper.aclose()

    def drop_closed(self) -> None:
        """Close the sockets of the clients whose loops are closed."""
        # A copy, made in one step: other threads add theirs meanwhile.
        for key in [key for key in list(self._clients) if key[0].is_closed()]:
            self._clients.pop(key).abandon()

    def _open(self, loop: asyncio.AbstractEventLoop, redis_url: str) -> LoopClient:
        client = self._make(redis_url)
        with self._lock:
            self.drop_closed()
            self._clients[loop, redis_url] = client
        client.keeper = self._close_with(loop, redis_url, client)
        # The first step makes the generator known to the loop; it waits for nothing.
        with contextlib.suppress(StopIteration):
            client.keeper.asend(None).send(None)
        return client

    async def _close_with(
        self, loop: asyncio.AbstractEventLoop, redis_url: str, client: LoopClient
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._clients.pop((loop, redis_url), None)
            await client.close()


def _close_socket(transport: Any) -> None:
    # It marks itself as closing, then fails to schedule the rest on the closed loop.
    with contextlib.suppress(RuntimeError):
        transport.close()
    sock = getattr(transport, "_sock", None)
    if sock is not None:
        sock.close()
        transport._sock = None  # noqa: SLF001 - or it would report the socket as leaked
