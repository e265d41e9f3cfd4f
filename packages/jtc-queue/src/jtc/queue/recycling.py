from __future__ import annotations

import asyncio
import logging
import time

from jtc.queue.attempts import Attempts
from jtc.queue.limits import Limits
from jtc.queue.memory import resident_bytes

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at the clock and the memory."""
NEVER = 3600.0
RESTART = "all workers of the queue are to be restarted"


class Recycling:
    """Ends a worker that has reached one of its limits, or is to be restarted.

    Args:
        limits: When it is to end.
        attempts: Its attempts, of which those that have begun are counted.
        stop: Ends it.

    Attributes:
        is_asked: Whether somebody wants the worker to be restarted.
    """

    def __init__(
        self, limits: Limits, attempts: Attempts, *, stop: asyncio.Event
    ) -> None:
        self._limits = limits
        self._attempts = attempts
        self._stop = stop
        self._since = time.monotonic()
        self.is_asked = False

    def ask(self) -> None:
        """End the worker: somebody wants it to be restarted."""
        self.is_asked = True
        self._stop.set()

    async def step(self) -> float:
        """Look at the clock and the memory."""
        if self._limits == Limits():
            return NEVER
        if self._find_limit() is not None:
            self._stop.set()
        return LOOK_EVERY

    def report(self) -> str | None:
        """Say which limit has been reached, and return it; None if none has."""
        limit = self._find_limit()
        if limit is not None:
            logger.info(
                "The worker ends, to be replaced by a fresh one: %s.",
                limit,
                extra={"action": "limit_reached"},
            )
        return limit

    def _find_limit(self) -> str | None:
        if self.is_asked:
            return RESTART
        return self._limits.reached(
            jobs=self._attempts.begun,
            seconds=time.monotonic() - self._since,
            memory=resident_bytes(),
        )
