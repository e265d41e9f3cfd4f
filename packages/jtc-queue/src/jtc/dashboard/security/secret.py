from __future__ import annotations

import logging
import secrets

from redis.asyncio import Redis
from redis.exceptions import ResponseError

logger = logging.getLogger(__name__)

KEY = "jtc:dashboard"


class Secret:
    """What forms are signed with; all processes at one server share it.

    So a form that one process showed can be sent to another, or after a restart.
    """

    def __init__(self) -> None:
        self._secret: bytes | None = None

    async def get(self, redis: Redis) -> bytes:
        """Return it; the first process of all makes it.

        Raises:
            ConnectionError: The server is away.
        """
        if self._secret is None:
            self._secret = await _share(redis, secrets.token_bytes(32))
        return self._secret


async def _share(redis: Redis, fresh: bytes) -> bytes:
    try:
        await redis.set(KEY, fresh, nx=True)
        found: bytes | None = await redis.get(KEY)
    except ResponseError as error:
        logger.warning(
            "Cannot share the secret of the dashboard's forms under %s (%s): those of "
            "another process will be refused.",
            KEY,
            error,
            extra={"action": "dashboard_secret"},
        )
        return fresh
    return found or fresh
