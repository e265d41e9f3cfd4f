from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import saq
from saq.job import Status

from jtc.queue.redis_queue import DEFAULT_TIMEOUT, RedisQueue
from jtc.queue.tick import tick_meta
from jtc.queue.ticks import Decision, decide, next_tick
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)

SYNC_EVERY = 20.0
ABANDONED_AFTER = 60
LONGEST_SLEEP = 1.0
HISTORY_LENGTH = 100
_PAGE = 200
_FIRE_GROUP = 200


def task_function_name(task: ScheduledTask) -> str:
    """Return the name under which a worker runs a task's function."""
    return f"task:{task.name}"


@dataclass(frozen=True, slots=True)
class DueEntry:
    """A known task whose time has come, as the server has it."""

    task: ScheduledTask
    member: str
    score: float


class Scheduler:
    """Fires the ticks of the tasks that a worker knows.

    There is no leader: every worker asks what is due and tries to fire it, and the
    script that moves the entry on lets exactly one of them.

    Args:
        queue: Where the ticks are enqueued.
        tasks: The tasks that this worker can run.
    """

    def __init__(self, queue: RedisQueue, tasks: Sequence[ScheduledTask]) -> None:
        self._queue = queue
        self._tasks = {_member(task): task for task in tasks}
        self._next_sync = 0.0

    async def step(self) -> float:
        """Fire what is due; return the seconds until the next look."""
        if not self._tasks:
            return SYNC_EVERY
        now, entries, wait = await self._due()
        if now >= self._next_sync:
            # Before anything is fired: a task that was away for long must be named
            # again before its entry can be taken for abandoned.
            await self.sync()
            self._next_sync = now + SYNC_EVERY
            return 0.0
        for start in range(0, len(entries), _FIRE_GROUP):
            await self._fire(entries[start : start + _FIRE_GROUP], now)
        return wait

    async def sync(self) -> None:
        """Tell the server which tasks this worker knows; add the new ones.

        A task whose definition changed is a new entry. The old one is left to workers
        that still know it and removed when none has named it for a minute.
        """
        now, missing = await self._sync({})
        if not missing:
            return
        times = {
            member: _first_time(self._tasks[member], last, now)
            for member, last in missing.items()
        }
        await self._sync(times)

    async def _sync(
        self, times: dict[str, datetime]
    ) -> tuple[datetime, dict[str, str]]:
        args: list[str | bytes | int | float] = [ABANDONED_AFTER]
        for member, task in self._tasks.items():
            score = times[member].timestamp() if member in times else ""
            args += [member, task.name, score]
        keys = self._queue.keys
        now, missing, gone = await self._queue.scripts.run(
            "sync", [keys.due, keys.seen, keys.last], args
        )
        self._report_removed([member.decode().partition(":")[2] for member in gone])
        found = [text.decode() for text in missing]
        return _moment(now), dict(zip(found[::2], found[1::2], strict=True))

    def _report_removed(self, names: Sequence[str]) -> None:
        known = {task.name for task in self._tasks.values()}
        for name in names:
            logger.info(
                "Removed the %s of task %s: no worker has known it for %d s.",
                "former schedule" if name in known else "schedule",
                name,
                ABANDONED_AFTER,
                extra={"action": "schedule_removed", "task": name},
            )

    async def _due(self) -> tuple[float, list[DueEntry], float]:
        """Return the server's clock, the known due entries and the time to sleep."""
        entries: list[DueEntry] = []
        offset = 0
        while True:
            now, upcoming, *found = await self._queue.scripts.run(
                "due", [self._queue.keys.due], [offset, _PAGE]
            )
            for member, score in zip(found[::2], found[1::2], strict=True):
                name = member.decode()
                if name in self._tasks:
                    entries.append(DueEntry(self._tasks[name], name, float(score)))
            if len(found) < 2 * _PAGE:
                break
            offset += _PAGE
        clock = float(now)
        wait = float(upcoming) - clock if upcoming else LONGEST_SLEEP
        return clock, entries, min(max(wait, 0.0) + 0.001, LONGEST_SLEEP)

    async def _fire(self, entries: Sequence[DueEntry], clock: float) -> None:
        now = datetime.fromtimestamp(clock, tz=UTC)
        decisions = [decide(e.task, _time(e.score), now) for e in entries]
        args: list[str | bytes | int | float] = [HISTORY_LENGTH]
        for entry, decision in zip(entries, decisions, strict=True):
            args += self._fire_args(entry, decision, clock)
        keys = self._queue.keys
        replies = await self._queue.scripts.run(
            "fire",
            [
                keys.due,
                keys.last,
                keys.previous,
                keys.incomplete,
                keys.queued,
                keys.history,
            ],
            args,
        )
        for entry, decision, words in zip(entries, decisions, replies, strict=True):
            if words != b"lost":
                _report(entry.task, decision, [word.decode() for word in words])

    def _fire_args(
        self, entry: DueEntry, decision: Decision, clock: float
    ) -> list[str | bytes | int | float]:
        task = entry.task
        args: list[str | bytes | int | float] = [
            entry.member,
            task.name,
            task.fingerprint,
            entry.score,
            _seconds(decision.next),
            "1",
        ]
        missed = decision.missed[-HISTORY_LENGTH:]
        args.append(len(missed))
        for tick, outcome in missed:
            args += [_seconds(tick), outcome]
        args.append(len(decision.ticks))
        for tick in decision.ticks:
            job = self._tick_job(task, tick, clock)
            args += [_seconds(tick), job.id, self._queue.serialize(job)]
        return args

    def _tick_job(self, task: ScheduledTask, tick: datetime, clock: float) -> saq.Job:
        return saq.Job(
            function=task_function_name(task),
            key=f"{task.name}@{tick:%Y-%m-%dT%H:%M:%SZ}",
            queue=self._queue,
            timeout=DEFAULT_TIMEOUT,
            status=Status.QUEUED,
            queued=int(clock * 1000),
            meta={"tick": tick_meta(task.name, _seconds(tick))},
        )


def _member(task: ScheduledTask) -> str:
    return f"{task.fingerprint}:{task.name}"


def _first_time(task: ScheduledTask, last: str, now: datetime) -> datetime:
    """Return from when on a task without an entry is due.

    When the same definition has fired before, its ticks since then were missed; a new
    or changed definition starts now.
    """
    tick, _, fingerprint = last.partition(" ")
    if fingerprint == task.fingerprint:
        return next_tick(task, _time(float(tick)))
    return next_tick(task, now)


def _report(task: ScheduledTask, decision: Decision, words: list[str]) -> None:
    if decision.missed:
        logger.warning(
            "Task %s missed %d tick(s) since %s.",
            task.name,
            len(decision.missed),
            decision.missed[0][0].isoformat(),
            extra={"action": "ticks_missed", "task": task.name},
        )
    if skipped := words.count("overlap"):
        logger.info(
            "Skipped %d tick(s) of task %s: the one before still waits or runs.",
            skipped,
            task.name,
            extra={"action": "ticks_skipped", "task": task.name},
        )


def _moment(text: bytes) -> datetime:
    return _time(float(text))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
