from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from jtc.queue.definition import member_of
from jtc.queue.due_entry import Due
from jtc.queue.firing import Fired, Firing
from jtc.queue.observing import observe_ticks
from jtc.queue.overdue import OverdueWatch
from jtc.queue.polling import Polling
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.syncing import Syncing
from jtc.queue.tick_hooks import TickHooks
from jtc.queue.tick_record import TickRecord
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)

SYNC_EVERY = 20.0
LONGEST_SLEEP = 6.0
"""Seconds between two looks; whoever adds what is due sooner wakes a worker."""


class Scheduler:
    """Fires the ticks of the tasks that a worker knows, and of run-time schedules.

    There is no leader: every worker asks what is due and tries to fire it, and the
    script that moves the entry on lets exactly one of them.

    Args:
        queue: The queue in which they are scheduled.
        tasks: The tasks that this worker can run; those that are not enabled are left
            out.
        environment: Where this is, as the `environments` of a task call it.

    Attributes:
        looked: When it last asked what is due, by `time.monotonic`; None if never.
        task_names: The names of those tasks.
    """

    def __init__(
        self,
        queue: RedisQueue,
        tasks: Sequence[ScheduledTask],
        *,
        environment: str | None = None,
    ) -> None:
        known = {member_of(task): task for task in tasks if task.options.enabled}
        self.queue = queue
        self.looked: float | None = None
        self.task_names = sorted({task.name for task in known.values()})
        self._syncing = Syncing(queue, known)
        self._polling = Polling(queue, known)
        self._firing = Firing(queue, environment, self._tell)
        self._overdue = OverdueWatch(queue, known.values(), environment=environment)
        self._hooks = TickHooks()
        self._next_sync = 0.0

    async def step(self) -> float:
        """Fire what is due; return the seconds until the next look."""
        asked = time.monotonic()
        due = await self._polling.look()
        self.looked = time.monotonic()
        if due.now >= self._next_sync:
            # Before anything is fired: a task that was away for long must be named
            # again before its entry can be taken for abandoned.
            await self.sync()
            self._next_sync = due.now + SYNC_EVERY
            # Behind that: an error in it must not keep ticks from being fired.
            await self._find_overdue()
            return 0.0
        fired = await self._firing.fire(due)
        return _wait(due, fired, elapsed=time.monotonic() - asked)

    async def sync(self) -> None:
        """Tell the server which tasks this worker knows; add the new ones."""
        await self._syncing.sync()

    async def close(self) -> None:
        """Let the hooks that run end; those that take long are given up."""
        await self._hooks.close()

    async def _find_overdue(self) -> None:
        for one in await self._overdue.look():
            observe_ticks(self.queue, one.record)
            if one.task is not None:
                self._hooks.tell(one.task, one.record)

    def _tell(self, fired: Fired) -> None:
        for record in fired.records:
            observe_ticks(self.queue, record)
            log = _log_missed if record.outcome.startswith("missed:") else _log_skipped
            log(record)
            if fired.entry.target is None:
                self._hooks.tell(fired.entry.task, record)


def _wait(due: Due, fired: Sequence[Fired], *, elapsed: float) -> float:
    """Return the seconds until something is due, `elapsed` seconds after the look."""
    times = [one.next.timestamp() for one in fired if one.next is not None]
    if due.ahead is not None:
        times.append(due.ahead)
    wait = min(times) - due.now - elapsed if times else LONGEST_SLEEP
    # A look that comes too early is one more, so it comes a little late.
    return min(max(0.0, wait) + 0.0003, LONGEST_SLEEP)


def _log_missed(record: TickRecord) -> None:
    logger.warning(
        "Task %s missed %d tick(s) since %s (%s).",
        record.name,
        record.count,
        record.tick.isoformat(),
        record.outcome.removeprefix("missed:"),
        extra={"action": "ticks_missed", "task": record.name},
    )


def _log_skipped(record: TickRecord) -> None:
    logger.info(
        "Skipped %d tick(s) of task %s since %s (%s).",
        record.count,
        record.name,
        record.tick.isoformat(),
        record.outcome.removeprefix("skipped:"),
        extra={"action": "ticks_skipped", "task": record.name},
    )
