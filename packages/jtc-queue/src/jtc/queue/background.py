from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from jtc.queue.threads import GIVE_UP

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that what runs here gets to end when its worker stops."""
MOST = 1000
SAY_AGAIN = 10.0
"""Seconds between two warnings: each job may have something that is dropped."""


class Background:
    """Runs what the work does not wait for: hooks, listeners, pings.

    Neither one that is slow nor one that fails delays anything.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._dropped = 0
        self._said = float("-inf")

    def start(
        self, call: Coroutine[Any, Any, None], what: str
    ) -> asyncio.Task[None] | None:
        """Run `call` beside everything else; it is dropped if too much runs already.

        Args:
            call: It logs its own errors.
            what: What it is, for the log.

        Returns:
            What runs it; None when it was dropped.
        """
        if len(self._running) >= MOST:
            call.close()
            self._drop(what)
            return None
        running = asyncio.create_task(call)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return running

    async def close(self) -> None:
        """Let what runs end; what does not is given up."""
        if not self._running:
            return
        _, left = await asyncio.wait(self._running, timeout=PATIENCE)
        # The first time cancels a call, the second its wait for a thread.
        for running in left:
            running.cancel()
        await asyncio.sleep(0)
        for running in left:
            running.cancel(GIVE_UP)
        if left:
            await asyncio.wait(left, timeout=PATIENCE)

    def _drop(self, what: str) -> None:
        self._dropped += 1
        now = time.monotonic()
        if now - self._said < SAY_AGAIN:
            return
        self._said = now
        logger.warning(
            "Did not call %s: %d others have not ended yet. Calls dropped so far: %d.",
            what,
            MOST,
            self._dropped,
            extra={"action": "background_dropped"},
        )


def background_for(kind: str) -> Background:
    """Return what runs calls of one kind in this loop; no kind takes another's room."""
    return _by_loop.setdefault(asyncio.get_running_loop(), defaultdict(Background))[
        kind
    ]


async def close_backgrounds() -> None:
    """Let the calls of all kinds that run in this loop end; not for long."""
    if kinds := _by_loop.get(asyncio.get_running_loop()):
        await asyncio.gather(*(kind.close() for kind in kinds.values()))


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, defaultdict[str, Background]] = (
    WeakKeyDictionary()
)
