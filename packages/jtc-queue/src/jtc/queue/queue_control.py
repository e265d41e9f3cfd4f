from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from jtc.queue.clearing import Clearing
from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidQueuePause
from jtc.queue.pause import Pause
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument

RESTART_LASTS = 24 * 3600
"""Seconds for which the wish is kept; workers that begin later know nothing of it."""


class QueueControl:
    """What whoever operates a queue can do to it as a whole.

    Args:
        queue: The queue.

    Example:
        >>> async def repair_the_bank(queue: RedisQueue) -> None:
        ...     await QueueControl(queue).pause(1800, note="the bank is down")
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self._keys = queue.keys

    async def pause(
        self, duration: float | timedelta | None = None, *, note: str = ""
    ) -> Pause:
        """Let no worker take jobs from the queue; a pause that is there is replaced.

        Running jobs go on, jobs can be dispatched, and ticks are enqueued. Workers of
        plain SAQ take no notice.

        Args:
            duration: When it goes on by itself, by the server's clock: seconds or a
                `timedelta`. Else somebody has to resume it.
            note: Why, for whoever looks at it.

        Raises:
            InvalidQueuePause: The duration is none.
        """
        args: list[Argument] = [note, ""]
        if duration is not None:
            seconds = as_seconds(duration)
            if not seconds or seconds < 0.001:  # noqa: PLR2004 - the server counts ms
                raise InvalidQueuePause(duration)
            args[1] = round(seconds * 1000)
        now, until = await self._queue.scripts.run("halt", [self._keys.halt], args)
        return Pause(_moment(now), note, _moment(until) if until else None)

    async def resume(self) -> bool:
        """Let workers take jobs again, within a second; False if it was not paused."""
        return bool(await self._queue.redis.delete(self._keys.halt))

    async def restart(self) -> datetime:
        """Have all workers that work on the queue now end, and be started again.

        Each takes no more jobs once it hears of it, within five seconds or so, lets
        those that run end, and ends: see `Worker.restart_asked`. It is for whoever
        started it to start it again.

        Returns:
            When that was, by the server's clock: workers that began before it are
            meant.
        """
        seconds, micros = await self._queue.redis.time()
        now = seconds * 1000 + micros // 1000
        await self._queue.redis.set(self._keys.restart, now, ex=RESTART_LASTS)
        return _moment(now)

    async def clear(self) -> int:
        """Cancel all jobs that wait and those that are delayed; running ones go on.

        Returns:
            How many were canceled.
        """
        return sum([count async for count in self.clear_in_steps()])

    def clear_in_steps(self) -> AsyncIterator[int]:
        """Do what `clear` does, and yield after each step how many it has canceled."""
        return Clearing(self._queue).steps()

    async def count_clearable(self) -> int:
        """Return about how many jobs `clear` would cancel."""
        return await Clearing(self._queue).count()


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
