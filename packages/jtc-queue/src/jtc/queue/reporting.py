from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib import metadata
from typing import Any

from redis.exceptions import ResponseError

from jtc.queue.codec import encode
from jtc.queue.queue_names import QueueNames
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument
from jtc.queue.worker_status import KEPT, OURS

NAME_EVERY = 3600.0
"""Seconds between two notes that there is such a queue."""


class Reporting:
    """Tells the queue how a worker is, for whoever looks, and what its jobs came to.

    Args:
        queue: The queue.
        worker: The worker's id.
        describe: Returns what is true of the worker now; JSON.
        metadata: What the worker's owner wants to be shown, for SAQ's tools too.
        restart: Called when somebody wants all workers of the queue to be restarted.
    """

    def __init__(
        self,
        queue: RedisQueue,
        worker: str,
        describe: Callable[[], Mapping[str, Any]],
        *,
        metadata: dict[str, Any] | None,
        restart: Callable[[], object],
    ) -> None:
        self._queue = queue
        self._describe = describe
        self._metadata = metadata
        self._restart = restart
        self._begun = time.monotonic()
        self._started: int | None = None
        self._named = float("-inf")
        keys = queue.keys
        self._keys = [f"{keys.report}{worker}", keys.reports, keys.restart]

    async def report(self) -> None:
        """Say how the worker is."""
        asked = time.monotonic()
        now, restart = await self._send(encode(self._text()))
        if self._started is None:
            # By the server's clock, which the mark of a restart is made by.
            self._started = now - round((asked - self._begun) * 1000)
        if restart > self._started:
            self._restart()
        await self._name_queue()

    async def leave(self) -> None:
        """Say that the worker is gone, and what its last jobs came to."""
        await self._send(b"")

    async def _send(self, text: bytes) -> tuple[int, int]:
        counts = self._queue.tally.take()
        args: list[Argument] = [text, KEPT, self._queue.keys.ended]
        args += [word for pair in counts.items() for word in pair]
        try:
            now, restart = await self._queue.scripts.run("report", self._keys, args)
        except BaseException:
            self._queue.tally.put_back(counts)
            raise
        return now, restart

    async def _name_queue(self) -> None:
        now = time.monotonic()
        if now - self._named >= NAME_EVERY:
            # Refused by another node of a cluster, and to who may use one queue only.
            with contextlib.suppress(ResponseError):
                await QueueNames(self._queue.redis).add(self._queue.name)
            self._named = now

    def _text(self) -> dict[str, Any]:
        stats = self._queue.tally.total._asdict()
        return {
            "queue_key": self._queue.name,
            "stats": {**stats, "uptime": round(self._age * 1000)},
            "metadata": self._metadata,
            OURS: {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "version": _version(),
                "started": self._started,
                **self._describe(),
            },
        }

    @property
    def _age(self) -> float:
        return time.monotonic() - self._begun


@cache
def _version() -> str:
    return metadata.version("jtc-queue")
