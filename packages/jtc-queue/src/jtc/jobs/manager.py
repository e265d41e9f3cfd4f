from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from redis.asyncio import Redis

from jtc.jobs.clients import LoopClient, LoopClients
from jtc.jobs.errors import ManagerNotInitialized
from jtc.queue.client import mask_url
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.settings import Settings, load_settings

logger = logging.getLogger(__name__)

_clients = LoopClients()
# A loop that was closed without its shutdown may be the last one of the process.
atexit.register(_clients.drop_closed)


class JobManager:
    """The queue of this process.

    It connects when the first command is sent, once for each event loop.
    """

    _settings: ClassVar[Settings | None] = None
    _clients: ClassVar[LoopClients] = _clients

    @classmethod
    def initialize(
        cls, redis_url: str | None = None, queue_name: str | None = None
    ) -> None:
        """Settle which queue is used; nothing is connected yet.

        Args:
            redis_url: Unless given: `REDIS_URL`, then `[tool.jtc]` in pyproject.toml,
                then redis://localhost:6379.
            queue_name: Unless given: `QUEUE_NAME`, then pyproject.toml, then `default`.
                Of several, as in `high,default`, the one called `default` is used, or
                the first.

        Raises:
            SettingsError: One of them has the wrong form.
            InvalidQueueName: The name would not be safe inside a key.
            InvalidQueueOrder: Several queues are named in a way that says no order.
        """
        settings = load_settings(redis_url=redis_url, queue_name=queue_name)
        settings.queues  # noqa: B018 - refuses what names no queue
        cls._settings = settings

    @classmethod
    def get_queue(cls, name: str | None = None) -> RedisQueue:
        """Return a queue for the running event loop, this process's own unless named.

        Where no loop is running, it is a new one, which its caller has to disconnect.

        Raises:
            ManagerNotInitialized: Before `initialize` and after `close`.
            InvalidQueueName: The name would not be safe inside a key.
        """
        settings = cls._require_settings()
        return cls._client(settings).queue(name or settings.queues.home)

    @classmethod
    def get_redis(cls) -> Redis:
        """Return the client of the running event loop, as `get_queue` does.

        Raises:
            ManagerNotInitialized: Before `initialize` and after `close`.
        """
        return cls._client(cls._require_settings()).redis

    @classmethod
    def open_queue(cls, name: str | None = None) -> RedisQueue:
        """Return a queue as `get_queue` does, from the settings if not initialized."""
        cls._settle()
        return cls.get_queue(name)

    @classmethod
    def home_queue_name(cls) -> str:
        """Return the name of this process's own queue; nothing is connected for it."""
        return cls._settle().queues.home

    @classmethod
    async def close(cls) -> None:
        """Close the connections of the running event loop and forget the settings.

        Those of other loops are closed when their loops end.
        """
        cls._settings = None
        await cls._clients.close()

    @classmethod
    @contextmanager
    def scoped(cls, clients: LoopClients | None = None) -> Iterator[None]:
        """Begin as in a new process; use the former queue again after the block.

        For tests: the whole process sees it, in every thread and event loop.

        Args:
            clients: What connects meanwhile; the process's own unless given.
        """
        former = cls._settings, cls._clients
        cls._settings, cls._clients = None, clients or cls._clients
        try:
            yield
        finally:
            cls._settings, cls._clients = former

    @classmethod
    def _settle(cls) -> Settings:
        if cls._settings is None:
            cls.initialize()
            settings = cls._require_settings()
            logger.debug(
                "Opened queue '%s' on %s from the settings.",
                settings.queue_name,
                mask_url(settings.redis_url),
                extra={"action": "manager_opened_from_settings"},
            )
        return cls._require_settings()

    @classmethod
    def _client(cls, settings: Settings) -> LoopClient:
        return cls._clients.get(settings.redis_url)

    @classmethod
    def _require_settings(cls) -> Settings:
        if cls._settings is None:
            raise ManagerNotInitialized
        return cls._settings
