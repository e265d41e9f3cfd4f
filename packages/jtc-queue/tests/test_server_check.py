from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from jtc.queue import Check, ServerInfo, examine_server
from jtc.queue.server_check import ServerFacts, judge_server

GOOD = ServerInfo("Valkey", "9.1.2", "noeviction", is_persistent=True)


def find(name: str, **facts: Any) -> Check:
    parts = {"server": GOOD, "info": {}, "offset": 0.0, "latency": 0.0002, **facts}
    checks = judge_server(ServerFacts(**parts))
    return next(check for check in checks if check.name == name)


async def test_a_server_of_ours_is_as_it_should_be(redis: Redis) -> None:
    checks = await examine_server(redis)
    assert [check.level for check in checks if check.level == "error"] == []
    assert {check.name for check in checks} == {
        *("server", "role", "memory", "maxmemory-policy"),
        *("persistence", "clock", "latency"),
    }
    assert [check.advice for check in checks if check.level == "ok"].count("") == len(
        [check for check in checks if check.level == "ok"]
    )


async def test_an_evicting_server_is_found_out(redis: Redis) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        checks = await examine_server(redis)
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
    (error,) = [check for check in checks if check.level == "error"]
    assert (error.name, error.value) == ("maxmemory-policy", "allkeys-lru")
    assert error.advice.endswith("Set it to noeviction.")


@pytest.mark.parametrize(
    ("name", "facts", "level", "value"),
    [
        ("server", {}, "ok", "Valkey 9.1.2"),
        ("server", {"server": ServerInfo("Redis", "5.0.1")}, "error", "Redis 5.0.1"),
        ("role", {"info": {"role": "master"}}, "ok", "primary"),
        ("role", {"info": {"role": "slave"}}, "error", "replica"),
        ("cluster", {"info": {"cluster_enabled": 1}}, "error", "yes"),
        ("memory", {"info": {"used_memory": 2**20}}, "ok", "1 MB, no limit"),
        (
            "memory",
            {"info": {"used_memory": 95 * 2**20, "maxmemory": 100 * 2**20}},
            "warning",
            "95 MB of 100 MB",
        ),
        (
            "memory",
            {"info": {"used_memory": 100 * 2**20, "maxmemory": 100 * 2**20}},
            "error",
            "100 MB of 100 MB",
        ),
        (
            "maxmemory-policy",
            {"server": ServerInfo("Redis", "7.2.0")},
            "ok",
            "not told",
        ),
        ("persistence", {"info": {"aof_enabled": 1}}, "ok", "append-only file"),
        ("persistence", {"info": {}}, "ok", "snapshots"),
        (
            "persistence",
            {"server": ServerInfo("Redis", "7.2.0", is_persistent=False)},
            "warning",
            "none",
        ),
        (
            "persistence",
            {"server": ServerInfo("Redis", "7.2.0", is_persistent=None)},
            "ok",
            "not told",
        ),
        (
            "persistence",
            {"info": {"rdb_last_bgsave_status": "err"}},
            "error",
            "snapshots",
        ),
        ("clock", {"offset": -0.5}, "ok", "-0.500 s from ours"),
        ("clock", {"offset": 3.0}, "warning", "+3.000 s from ours"),
        ("latency", {"latency": 0.02}, "warning", "20.0 ms"),
    ],
)
def test_what_is_found_is_judged(
    name: str, facts: dict[str, Any], level: str, value: str
) -> None:
    check = find(name, **facts)
    assert (check.level, check.value) == (level, value)
    assert bool(check.advice) is (level != "ok")
