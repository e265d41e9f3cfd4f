from __future__ import annotations

import asyncio
import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

# A server or a proxy may close a connection that was quiet for longer.
QUIET = 1.0


class Lane:
    """One connection on which commands go out one after the other.

    The client's own way takes a connection from the pool for each command, looks
    whether it is still good, and arms a timer for each half: more work than a batch of
    jobs.

    Args:
        redis: Whose pool lends the connection; closing the pool closes it too.
        patience: Seconds after which a reply counts as lost.
    """

    def __init__(self, redis: Redis, *, patience: float) -> None:
        self._pool: Any = redis.connection_pool
        self._patience = patience
        self._turn = asyncio.Lock()
        self._connection: Any = None
        self._used = 0.0

    async def call(self, *words: Any) -> Any:
        """Send a command and return its reply.

        Raises:
            ResponseError: The server refused it.
            ConnectionError: It did not get there, or its reply was lost.
            TimeoutError: No reply came in time.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._exchange(words)
            except TimeoutError as error:
                raise RedisTimeoutError("No reply came in time.") from error

    def distrust(self) -> None:
        """Let the pool look at the connection before it is used again."""
        self._used = 0.0

    async def _exchange(self, words: tuple[Any, ...]) -> Any:
        connection = await self._borrow()
        packed = connection.pack_command(*words)
        # One limit around the whole takes the place of one for each half.
        patience, connection.socket_timeout = connection.socket_timeout, None
        try:
            await connection.send_packed_command(packed, check_health=False)
            reply = await connection.read_response()
        finally:
            connection.socket_timeout = patience
            self._used = time.monotonic()
        return reply

    async def _borrow(self) -> Any:
        connection = self._connection
        if connection is not None:
            if connection.is_connected and time.monotonic() - self._used < QUIET:
                return connection
            # The pool looks at it before it lends it again.
            self._connection = None
            await self._pool.release(connection)
        self._connection = await self._pool.get_connection()
        return self._connection
