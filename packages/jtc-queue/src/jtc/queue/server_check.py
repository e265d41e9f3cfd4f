from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis

from jtc.queue.errors import ServerTooOld
from jtc.queue.server import (
    ServerInfo,
    check_server,
    read_server_info,
    server_risks,
)

PINGS = 7
SLOW = 0.010
"""Seconds; a worker's every step is a round trip."""
FAR_OFF = 2.0
"""Seconds by which a clock may be wrong before ages that are shown are."""
NEARLY_FULL = 0.9

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and whether it is as it should be.

    Attributes:
        name: What was looked at.
        level: `ok`; `warning`, it may hurt; `error`, the queue cannot rely on it.
        value: What was found.
        advice: What is wrong and how to mend it; empty if nothing is.
    """

    name: str
    level: Level
    value: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What was found out about a server.

    Attributes:
        server: What it is.
        info: What it says of itself.
        offset: Seconds by which its clock is ahead of ours.
        latency: Seconds of a round trip, in the middle of several.
    """

    server: ServerInfo
    info: Mapping[str, Any]
    offset: float
    latency: float


async def examine_server(redis: Redis) -> Sequence[Check]:
    """Ask a server about all that a queue relies on.

    Raises:
        ConnectionError: It cannot be reached.
    """
    server = await read_server_info(redis)
    info: dict[str, Any] = await redis.info()
    trips, offsets = [], []
    for _ in range(PINGS):
        before, counter = time.time(), time.perf_counter()
        seconds, micros = await redis.time()
        trip = time.perf_counter() - counter
        trips.append(trip)
        offsets.append(seconds + micros / 1e6 - before - trip / 2)
    middle = statistics.median
    return judge_server(ServerFacts(server, info, middle(offsets), middle(trips)))


def judge_server(facts: ServerFacts) -> Sequence[Check]:
    """Decide what of a server is as it should be."""
    return [
        _version(facts.server),
        *_kind(facts.info),
        _memory(facts.info),
        _policy(facts.server),
        _persistence(facts),
        _clock(facts.offset),
        _latency(facts.latency),
    ]


def _version(server: ServerInfo) -> Check:
    value = f"{server.kind} {server.version}"
    try:
        check_server(server)
    except ServerTooOld as error:
        return Check("server", "error", value, str(error))
    return Check("server", "ok", value)


def _kind(info: Mapping[str, Any]) -> Iterator[Check]:
    role = str(info.get("role", "master"))
    if role == "master":
        yield Check("role", "ok", "primary")
    else:
        advice = "A replica takes no jobs: give the address of its primary."
        yield Check("role", "error", "replica", advice)
    if info.get("cluster_enabled"):
        advice = (
            "The keys of a queue have to be on one server. Use one that is no cluster."
        )
        yield Check("cluster", "error", "yes", advice)


def _memory(info: Mapping[str, Any]) -> Check:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        return Check("memory", "ok", f"{_megabytes(used)}, no limit")
    value = f"{_megabytes(used)} of {_megabytes(limit)}"
    if used < limit * NEARLY_FULL:
        return Check("memory", "ok", value)
    advice = (
        "When the server is full it refuses new jobs. Give it more maxmemory, or see "
        "with jtc queue stats what piles up."
    )
    return Check("memory", "error" if used >= limit else "warning", value, advice)


def _policy(server: ServerInfo) -> Check:
    policy = server.maxmemory_policy
    (risk,) = _risks(server, "maxmemory-policy") or ("",)
    level: Level = "error" if risk else "ok"
    return Check("maxmemory-policy", level, policy or "not told", risk)


def _persistence(facts: ServerFacts) -> Check:
    info, server = facts.info, facts.server
    has_log = bool(info.get("aof_enabled"))
    kinds = {True: "append-only file" if has_log else "snapshots", False: "none"}
    value = kinds.get(bool(server.is_persistent), "")
    if server.is_persistent is None:
        return Check("persistence", "ok", "not told")
    if server.is_persistent is False:
        (risk,) = _risks(server, "The server keeps")
        return Check("persistence", "warning", value, risk)
    writes = ("aof_last_write_status", "rdb_last_bgsave_status")
    failed = [name for name in writes if info.get(name, "ok") != "ok"]
    if failed:
        advice = (
            f"The server could not write its data to disk ({', '.join(failed)}): look "
            "at its log and for room on its disk. It may refuse jobs until it can."
        )
        return Check("persistence", "error", value, advice)
    return Check("persistence", "ok", value)


def _clock(offset: float) -> Check:
    value = f"{offset:+.3f} s from ours"
    if abs(offset) <= FAR_OFF:
        return Check("clock", "ok", value)
    advice = (
        "Ticks and delays follow the server's clock, so nothing is lost; but ages and "
        "times that are shown are wrong. Run NTP on both machines."
    )
    return Check("clock", "warning", value, advice)


def _latency(seconds: float) -> Check:
    value = f"{seconds * 1000:.1f} ms"
    if seconds <= SLOW:
        return Check("latency", "ok", value)
    advice = (
        "Each step of a worker is a round trip. Run workers near the server, and see "
        "with SLOWLOG GET on the server whether somebody keeps it busy."
    )
    return Check("latency", "warning", value, advice)


def _risks(server: ServerInfo, start: str) -> list[str]:
    return [risk for risk in server_risks(server) if risk.startswith(start)]


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.0f} MB"
