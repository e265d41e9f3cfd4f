from __future__ import annotations

import hashlib
import re
import time
from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from jtc.queue.client import SOCKET_TIMEOUT
from jtc.queue.lane import Lane
from jtc.queue.outage import Outage, is_outage

# These run all the time and must not wait for a call of another kind.
BUSY = ("claim", "settle", "enqueue")
# Their errors go to the program that asked; the others are a worker's own business.
ASKED = (
    "cancel",
    "clear",
    "enqueue",
    "enqueue_once",
    "forget_sent",
    "halt",
    "stats",
)
_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)

Argument = str | bytes | int | float


@cache
def script_source(name: str) -> str:
    """Return the Lua text of one transition.

    A line `-- include: NAME` in it stands for the text of another file.
    """
    path = files("jtc.queue").joinpath("scripts", f"{name}.lua")
    text = path.read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: script_source(found[1]), text)


@cache
def script_digest(name: str) -> str:
    """Return the name that the server gives to a script."""
    return hashlib.sha1(script_source(name).encode()).hexdigest()  # noqa: S324 - Redis's


class Scripts:
    """The transitions, bound to one client; a server that forgot one gets it again.

    Every call that changes a queue passes here, so this is where an outage is noticed,
    and its end.
    """

    def __init__(self, redis: Redis, outage: Outage) -> None:
        self._redis = redis
        self._outage = outage
        self._lanes: dict[str, Lane] = {}
        self._outages_seen = outage.count

    async def run(self, name: str, keys: list[str], args: list[Argument]) -> Any:
        """Run the transition `name` as one atomic step."""
        asked = time.monotonic()
        if self._outages_seen != self._outage.count:
            # Another queue has found that the server was gone: so are our connections.
            self._distrust()
        try:
            reply = await self._run(name, keys, args)
        except Exception as error:
            # A server that was restarted has closed the other lanes' connections too.
            self._distrust()
            if name not in ASKED and is_outage(error):
                self._outage.began(error, (name, keys[0]), asked=asked)
            raise
        if name not in ASKED:
            self._outage.ended((name, keys[0]), asked=asked)
        return reply

    def lane(self, kind: str) -> Lane:
        """Return the connection that is kept for one kind of calls."""
        if kind not in self._lanes:
            self._lanes[kind] = Lane(self._redis, patience=SOCKET_TIMEOUT)
        return self._lanes[kind]

    def _distrust(self) -> None:
        self._outages_seen = self._outage.count
        for lane in self._lanes.values():
            lane.distrust()

    async def _run(self, name: str, keys: list[str], args: list[Argument]) -> Any:
        lane = self.lane(name if name in BUSY else "other")
        try:
            return await lane.call(
                "EVALSHA", script_digest(name), len(keys), *keys, *args
            )
        except NoScriptError:
            await lane.call("SCRIPT", "LOAD", script_source(name))
        return await lane.call("EVALSHA", script_digest(name), len(keys), *keys, *args)
