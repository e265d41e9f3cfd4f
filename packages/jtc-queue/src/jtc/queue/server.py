from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from jtc.queue.errors import ServerTooOld

OLDEST_REDIS = (6, 2)
OLDEST_VALKEY = (7, 2)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a Redis or Valkey server says of itself.

    Attributes:
        kind: "Redis" or "Valkey".
        version: For example "9.1.2".
        maxmemory_policy: What it does when it is full; empty if it does not say.
        is_persistent: Whether jobs survive a restart of it; None if it does not say.
    """

    kind: str
    version: str
    maxmemory_policy: str = ""
    is_persistent: bool | None = None

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())


async def read_server_info(redis: Redis) -> ServerInfo:
    """Ask a server what it is."""
    info: dict[str, Any] = await redis.info()
    kind = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    policy = str(info.get("maxmemory_policy", ""))
    return ServerInfo(kind, version, policy, await _is_persistent(redis, info))


def check_server(info: ServerInfo) -> None:
    """Refuse a server that lacks what the queue is built on.

    Raises:
        ServerTooOld: Redis before 6.2 or Valkey before 7.2.
    """
    oldest = OLDEST_VALKEY if info.kind == "Valkey" else OLDEST_REDIS
    if info.release < oldest:
        raise ServerTooOld(info.kind, info.version)


def server_risks(info: ServerInfo) -> Iterator[str]:
    """Yield, one sentence each, how this server's settings can lose jobs."""
    if info.maxmemory_policy not in ("", "noeviction"):
        yield (
            f"maxmemory-policy is {info.maxmemory_policy}: when the server is full it "
            "throws jobs away. Set it to noeviction."
        )
    if info.is_persistent is False:
        yield (
            "The server keeps its data in memory only: a restart loses every job. "
            "Set appendonly to yes."
        )


async def _is_persistent(redis: Redis, info: dict[str, Any]) -> bool | None:
    if info.get("aof_enabled"):
        return True
    try:
        saves = await redis.config_get("save")
    except ResponseError:
        # Managed servers hide their configuration.
        return None
    return bool(saves.get("save"))
