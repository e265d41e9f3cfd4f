from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable

from jtc.queue.outage import backoff, is_outage

logger = logging.getLogger(__name__)


class Duty:
    """A step that is done again and again, with a pause between the rounds.

    Args:
        step: Does one round and returns how many seconds to wait before the next.
        stop: Ends it, and cuts a pause short.
    """

    def __init__(
        self, step: Callable[[], Awaitable[float]], *, stop: asyncio.Event
    ) -> None:
        self._step = step
        self._stop = stop
        self._pause: asyncio.Timeout | None = None
        self._is_urgent = False
        self._latest = math.inf

    async def run(self) -> None:
        """Repeat the step until told to stop; no error ends it."""
        failures = 0
        while not self._stop.is_set():
            self._is_urgent = False
            self._latest = math.inf
            try:
                delay = await self._step()
                failures = 0
            except Exception as error:
                failures += 1
                delay = backoff(failures)
                if not is_outage(error):
                    logger.exception(
                        "A step of the worker failed; it will be repeated.",
                        extra={"action": "step_failed"},
                    )
            if delay and not self._is_urgent:
                await self._wait(delay)

    def wake(self) -> None:
        """Do the next round at once."""
        self._is_urgent = True
        # A pause that has just ended cannot be cut short any more, and need not be.
        if self._pause is not None and not self._pause.expired():
            self._pause.reschedule(0)

    def wake_within(self, seconds: float) -> None:
        """Begin the next round no later than after so many seconds."""
        when = asyncio.get_running_loop().time() + seconds
        self._latest = min(self._latest, when)
        pause = self._pause
        if pause is not None and not pause.expired() and when < (pause.when() or 0):
            pause.reschedule(when)

    async def _wait(self, seconds: float) -> None:
        ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(min(ends, self._latest)) as self._pause:
                await self._stop.wait()
        except TimeoutError:
            return
        finally:
            self._pause = None


def wake_all(duties: Iterable[Duty], *, within: float = 0) -> None:
    """Do the next round of each duty at once, or within so many seconds."""
    for duty in duties:
        if within > 0:
            duty.wake_within(within)
        else:
            duty.wake()


async def repeat(step: Callable[[], Awaitable[float]], *, stop: asyncio.Event) -> None:
    """Repeat a step that nobody has to wake; see `Duty`."""
    await Duty(step, stop=stop).run()
