from __future__ import annotations

import math
from collections import defaultdict
from typing import Any, cast

from fakeredis import FakeAsyncRedis, FakeServer
from fakeredis._core import Database
from fakeredis.aioredis import FakeAsyncRedisConnection
from redis.asyncio import Redis

from jtc.testing.clock import Clock


class ClockServer(FakeServer):
    """A server in the memory of this process, whose time is that of a clock.

    Args:
        clock: What `TIME` answers, and by which keys expire.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.dbs = defaultdict(lambda: _ClockDatabase(self))

    def connect(self) -> Redis:
        """Return a client for the running event loop."""
        client = FakeAsyncRedis(server=self, connection_class=_ClockConnection)
        return cast("Redis", client)


class _ClockDatabase(Database):
    """Keys that expire by the server's clock.

    A key lives longer than its time by what the clock says is no time at all. So that
    one that lives for an hour is gone when the clock has moved on by an hour, each
    command takes a microsecond.
    """

    def __init__(self, server: ClockServer) -> None:
        self._clock = server.clock
        self._commands = 0
        super().__init__(server.lock)

    # A connection writes the machine's time here before each command.
    @property
    def time(self) -> float:
        return self._clock.time() + self._commands / 1_000_000

    @time.setter
    def time(self, machine: float) -> None:
        del machine
        self._commands += 1


class _ClockConnection(FakeAsyncRedisConnection):
    """Answers `TIME` by the server's clock."""

    async def _connect(self) -> None:
        await super()._connect()
        server = cast("ClockServer", self._server)

        def tell_time() -> list[bytes]:
            # Never before what the clock says: what is due then has to be due.
            now = math.ceil(server.clock.time() * 1_000_000)
            seconds, microseconds = divmod(now, 1_000_000)
            return [str(seconds).encode(), str(microseconds).encode()]

        # The socket looks a command up by its name, also for a script.
        sock: Any = self._sock
        sock.time = tell_time
