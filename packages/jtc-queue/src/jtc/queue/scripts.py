from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from jtc.queue.outage import Outage, is_outage

NAMES = (
    "cancel",
    "claim",
    "due",
    "enqueue",
    "fire",
    "promote",
    "recover",
    "renew",
    "resign",
    "settle",
    "sync",
)


Argument = str | bytes | int | float


@cache
def script_source(name: str) -> str:
    """Return the Lua text of one transition."""
    path = files("jtc.queue").joinpath("scripts", f"{name}.lua")
    return path.read_text(encoding="utf-8")


class Scripts:
    """The transitions, bound to one client; a server that forgot one gets it again.

    Every call that changes a queue passes here, so this is where an outage is noticed,
    and its end.
    """

    def __init__(self, redis: Redis, outage: Outage) -> None:
        self._outage = outage
        self._scripts = {
            name: redis.register_script(script_source(name)) for name in NAMES
        }

    async def run(self, name: str, keys: list[str], args: list[Argument]) -> Any:
        """Run the transition `name` as one atomic step."""
        try:
            reply = await self._scripts[name](keys=keys, args=args)
        except Exception as error:
            if is_outage(error):
                self._outage.began(error)
            raise
        self._outage.ended()
        return reply
