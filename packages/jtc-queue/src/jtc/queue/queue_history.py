from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jtc.queue.errors import InvalidFilter
from jtc.queue.measures import BOUNDS
from jtc.queue.quantile import quantile
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import script_source
from jtc.queue.tally import WAITED, Ended

MOST_MINUTES = 120
"""For how many minutes the counts are kept; see `report.lua`."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What attempts came to in one minute.

    Attributes:
        at: When it began, in UTC, by the server's clock.
        complete: How many completed.
        failed: How many failed for good.
        retried: How many are to be tried again.
        aborted: How many were canceled or given up.
        wait_p50: Seconds that half of the jobs waited at the most, from when they could
            be taken to their first attempt; None when none had its first attempt.
        wait_p95: Seconds that 95 of 100 waited at the most.
    """

    at: datetime
    complete: int = 0
    failed: int = 0
    retried: int = 0
    aborted: int = 0
    wait_p50: float | None = None
    wait_p95: float | None = None


class QueueHistory:
    """What attempts at a queue's jobs came to, minute by minute.

    Workers report it every five seconds; it is kept for two hours.

    Args:
        queue: The queue.

    Example:
        >>> async def busiest(queue: RedisQueue) -> Minute:
        ...     minutes = await QueueHistory(queue).last(60)
        ...     return max(minutes, key=lambda minute: minute.complete)
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._keys = queue.keys
        self._minutes = queue.redis.register_script(script_source("minutes"))

    async def last(self, minutes: int = 60) -> Sequence[Minute]:
        """Ask in one call for the last minutes, the oldest first.

        Args:
            minutes: How many, that which runs included.

        Raises:
            InvalidFilter: That is not a number from 1 to 120.
        """
        if not 1 <= minutes <= MOST_MINUTES:
            allowed = f"a number of minutes from 1 to {MOST_MINUTES}"
            raise InvalidFilter("minutes", minutes, allowed)
        newest, counts = await self._minutes(args=[self._keys.ended, minutes])
        return [
            _minute(newest - back, _as_mapping(counts[back]))
            for back in reversed(range(minutes))
        ]


def _minute(number: int, counts: Mapping[str, int]) -> Minute:
    waits = [counts.get(f"{WAITED}{i}", 0) for i in range(len(BOUNDS) + 1)]
    return Minute(
        datetime.fromtimestamp(number * 60, tz=UTC),
        *(counts.get(name, 0) for name in Ended._fields),
        *(quantile(share, waits, BOUNDS) for share in (0.5, 0.95)),
    )


def _as_mapping(flat: Sequence[Any]) -> dict[str, int]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {name.decode(): int(count) for name, count in pairs}
