from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jtc.queue.due_entry import moment
from jtc.queue.expectation import encode_expectation
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument
from jtc.queue.tick_record import TickRecord
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A task that has not succeeded for longer than its `expect_within`.

    Attributes:
        record: What is in its history about that.
        since: When it succeeded last, in UTC; if it never did, or was paused after
            that, since when it has been expected to.
        within: Seconds that were allowed.
        task: The task; None for a schedule that was made at run time.
    """

    record: TickRecord
    since: datetime
    within: float
    task: ScheduledTask | None


class OverdueWatch:
    """Finds the tasks that have not succeeded in time, and of all workers once.

    Args:
        queue: The queue in which they are scheduled.
        tasks: The tasks in this worker's code; those made at run time come to them.
        environment: Where this is, as the `environments` of a task call it.
    """

    def __init__(
        self,
        queue: RedisQueue,
        tasks: Iterable[ScheduledTask],
        *,
        environment: str | None,
    ) -> None:
        self._queue = queue
        self._environment = environment
        self._tasks = {
            task.name: task for task in tasks if task.options.expect_within is not None
        }
        self._arguments: list[Argument] = []
        for name, task in self._tasks.items():
            self._arguments += [name, encode_expectation(task.options)]

    async def look(self) -> Sequence[Overdue]:
        """Return the tasks that are found to be overdue now, and log them."""
        keys = self._queue.keys
        now, *found = await self._queue.scripts.run(
            "overdue",
            [keys.expected, keys.overdue, keys.last, *keys.ticks],
            [self._queue.history_length, self._environment or "", *self._arguments],
        )
        parts = iter([text.decode() for text in found])
        rows = zip(parts, parts, parts, parts, strict=True)
        overdue = [self._read(row, at=moment(float(now))) for row in rows]
        for one in overdue:
            _log(one)
        return overdue

    def _read(self, row: tuple[str, str, str, str], *, at: datetime) -> Overdue:
        name, nominal, since, within = row
        tick = moment(float(nominal))
        record = TickRecord(
            name=name, tick=tick, until=tick, outcome="missed:overdue", at=at
        )
        return Overdue(
            record, moment(float(since)), float(within), self._tasks.get(name)
        )


def _log(overdue: Overdue) -> None:
    logger.warning(
        "Task %s is overdue: it has not succeeded since %s, and should have within "
        "%.15g s.",
        overdue.record.name,
        overdue.since.isoformat(timespec="seconds"),
        overdue.within,
        extra={"action": "task_overdue", "task": overdue.record.name},
    )
