from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from jtc.queue import (
    ServerInfo,
    ServerTooOld,
    check_server,
    read_server_info,
    server_risks,
)


class Server:
    """Answers like a server with these properties."""

    def __init__(self, config: str | None = "", **info: Any) -> None:
        self._info = info
        self._config = config

    async def info(self) -> dict[str, Any]:
        return self._info

    async def config_get(self, name: str) -> dict[str, str]:
        if self._config is None:
            raise ResponseError("unknown command 'CONFIG'")
        return {name: self._config}


async def read(config: str | None = "", **info: Any) -> ServerInfo:
    server: Any = Server(config, **info)
    return await read_server_info(server)


async def test_our_own_server_is_fit(redis: Redis) -> None:
    info = await read_server_info(redis)
    assert info.kind == "Valkey"
    assert info.release >= (7, 2)
    assert info.is_persistent
    check_server(info)
    assert list(server_risks(info)) == []


async def test_valkey_tells_its_own_version_beside_that_of_redis() -> None:
    info = await read(redis_version="7.2.4", valkey_version="8.1.0")
    assert (info.kind, info.version, info.release) == ("Valkey", "8.1.0", (8, 1, 0))


async def test_a_server_that_hides_its_configuration_is_not_judged() -> None:
    info = await read(config=None, redis_version="7.4.0")
    assert info.is_persistent is None
    assert list(server_risks(info)) == []


async def test_a_server_that_appends_or_saves_is_persistent() -> None:
    assert (await read(redis_version="7.0.0", aof_enabled=1)).is_persistent
    assert (await read("3600 1", redis_version="7.0.0")).is_persistent


async def test_what_can_lose_jobs_is_told() -> None:
    info = await read(redis_version="7.0.0", maxmemory_policy="allkeys-lru")
    eviction, memory = server_risks(info)
    assert "maxmemory-policy is allkeys-lru" in eviction
    assert "memory only" in memory


@pytest.mark.parametrize(
    ("kind", "version", "fit"),
    [
        ("Redis", "6.0.16", False),
        ("Redis", "6.2.0", True),
        ("Redis", "7.0.15", True),
        ("Redis", "10.0", True),
        ("Valkey", "7.2.5", True),
        ("Valkey", "7.1", False),
    ],
)
def test_an_old_server_is_refused(kind: str, version: str, fit: bool) -> None:
    info = ServerInfo(kind, version)
    if fit:
        check_server(info)
        return
    with pytest.raises(ServerTooOld, match=f"{kind} {version} is too old"):
        check_server(info)
