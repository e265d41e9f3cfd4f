from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from jtc.dashboard.errors import NothingThere
from jtc.jobs.clients import LoopClients
from jtc.queue import QueueNames, RedisQueue, Settings


class GivenQueues:
    """Queues that whoever mounts a dashboard has open already.

    Args:
        queues: The queues; the first one is shown where one has to be.
    """

    def __init__(self, queues: Sequence[RedisQueue]) -> None:
        self._queues = {queue.name: queue for queue in queues}

    @property
    def redis(self) -> Redis:
        """The client."""
        return next(iter(self._queues.values())).redis

    async def all(self) -> Sequence[RedisQueue]:
        """Return the queues that are shown."""
        return list(self._queues.values())

    async def close(self) -> None:
        """Leave them open: they are somebody else's."""


class FoundQueues:
    """The queues of the settings, and those that workers lately worked on.

    Args:
        settings: Which server, and which queues.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url
        self._own = settings.queues.names
        self._clients = LoopClients()

    @property
    def redis(self) -> Redis:
        """The client of the running event loop."""
        return self._clients.get(self._url).redis

    async def all(self) -> Sequence[RedisQueue]:
        """Return the queues that are shown."""
        client = self._clients.get(self._url)
        met = await QueueNames(client.redis).list()
        return [client.queue(name) for name in dict.fromkeys([*self._own, *met])]

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        await self._clients.close()


ShownQueues = GivenQueues | FoundQueues


def choose_queue(queues: Sequence[RedisQueue], name: str | None) -> RedisQueue:
    """Return the queue `name`, or the first one when none is named.

    Raises:
        NothingThere: None of them has that name.
    """
    if not name:
        return queues[0]
    for queue in queues:
        if queue.name == name:
            return queue
    raise NothingThere(f"There is no queue {name!r}.")
