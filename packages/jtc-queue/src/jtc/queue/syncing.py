from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jtc.queue.definition import encode_definition
from jtc.queue.due_entry import moment
from jtc.queue.groups import in_groups
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument
from jtc.queue.tick_job import tick_job
from jtc.queue.ticks import fire_time, first_due, next_tick
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)

ABANDONED_AFTER = 60
"""Seconds after which an entry that no worker names is removed."""
_GROUP = 250
_MANY = 1000
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Named:
    """What the server said when it was told of tasks.

    Attributes:
        now: The server's clock.
        missing: Entries without a due time, with the tick that was dealt with last.
        removed: Names of schedules that were removed.
        replaced: Names of schedules made at run time that gave way to a task.
    """

    now: datetime
    missing: Mapping[str, str]
    removed: Sequence[str]
    replaced: Sequence[str]


class Syncing:
    """Tells the server which tasks a worker knows.

    Args:
        queue: The queue in which they are scheduled.
        tasks: The tasks, by their entry's name.
    """

    def __init__(self, queue: RedisQueue, tasks: Mapping[str, ScheduledTask]) -> None:
        self._queue = queue
        self._tasks = tasks
        self._was_defined = False
        self._rounds = 0
        self._waiting = [
            member
            for member, task in tasks.items()
            if task.options.overlap == "buffer_one" or task.options.catchup == "all"
        ]

    async def sync(self) -> None:
        """Name all tasks, and add those that are new.

        A task whose ticks changed is a new entry. The old one is left to workers that
        still know it and removed when none has named it for a minute.
        """
        members = list(self._tasks)
        is_any_abandoned = True
        if self._was_defined:
            members, is_any_abandoned = await self._look()
        missing: dict[str, str] = {}
        for group in in_groups(members, _GROUP):
            named = await self._name(group)
            missing |= named.missing
        # Once: the definition of whoever was deployed last is to stay.
        self._was_defined = True
        if missing:
            now = named.now
            times = {m: self._first_time(m, last, now) for m, last in missing.items()}
            await self._add({m: due for m, due in times.items() if due}, now)
        # Last, so that what was away for long is named again before it is removed.
        if is_any_abandoned:
            self._report(await self._call([ABANDONED_AFTER]))

    async def _look(self) -> tuple[list[str], bool]:
        """Name all tasks; return those to look at singly, and whether any is abandoned.

        These are the ones without a due time, and now and then those whose ticks may
        wait for one another: whatever ended the one before, they have to go on.
        """
        self._rounds += 1
        singly = set(self._waiting) if self._rounds % _ROUNDS == 0 else set()
        abandoned = 0
        keys = self._queue.keys
        for group in in_groups(list(self._tasks), _MANY):
            missing, abandoned = await self._queue.scripts.run(
                "name", [keys.due, keys.seen], [ABANDONED_AFTER, *group]
            )
            singly.update(member.decode() for member in missing)
        return [member for member in self._tasks if member in singly], abandoned > 0

    async def _name(self, members: Sequence[str]) -> _Named:
        args: list[Argument] = [""]
        for member in members:
            task = self._tasks[member]
            definition = b"" if self._was_defined else encode_definition(task)
            args += [member, task.name, "", _limit(task), definition, "", b""]
        return await self._call(args)

    async def _add(self, times: Mapping[str, datetime], now: datetime) -> None:
        members = list(times)
        for group in in_groups(members, _GROUP):
            args: list[Argument] = [""]
            for member in group:
                args += self._new_entry(member, times[member], now)
            await self._call(args)

    def _new_entry(self, member: str, due: datetime, now: datetime) -> list[Argument]:
        task = self._tasks[member]
        job_id, document = "", b""
        if task.options.run_on_start:
            key = f"{task.name}@start"
            seconds = now.timestamp()
            job = tick_job(self._queue, task, now, now=seconds, kind="manual", key=key)
            job_id, document = job.id, self._queue.serialize(job)
        score = f"{due.timestamp():.3f}"
        definition = encode_definition(task)
        limit = _limit(task)
        return [member, task.name, score, limit, definition, job_id, document]

    def _first_time(self, member: str, last: str, now: datetime) -> datetime | None:
        """Return from when on a task without an entry is due; None if never.

        When the same definition has fired before, its ticks since then were missed; a
        new or changed definition starts now.
        """
        task = self._tasks[member]
        tick, _, fingerprint = last.partition(" ")
        if fingerprint != task.fingerprint:
            return first_due(task, now)
        following = next_tick(task, moment(float(tick)))
        return None if following is None else fire_time(task, following)

    async def _call(self, args: list[Argument]) -> _Named:
        keys = self._queue.keys
        named_keys = [keys.due, keys.seen, keys.last, keys.definitions]
        now, missing, removed, replaced = await self._queue.scripts.run(
            "sync", [*named_keys, *keys.ticks, keys.expected, keys.overdue], args
        )
        found = [text.decode() for text in missing]
        named = _Named(
            now=moment(float(now)),
            missing=dict(zip(found[::2], found[1::2], strict=True)),
            removed=[member.decode().partition(":")[2] for member in removed],
            replaced=[name.decode() for name in replaced],
        )
        for name in named.replaced:
            logger.warning(
                "Schedule %s, made at run time, gave way to the task of that name.",
                name,
                extra={"action": "schedule_replaced", "task": name},
            )
        return named

    def _report(self, named: _Named) -> None:
        known = {task.name for task in self._tasks.values()}
        for name in named.removed:
            logger.info(
                "Removed the %s of task %s: no worker has known it for %d s.",
                "former schedule" if name in known else "schedule",
                name,
                ABANDONED_AFTER,
                extra={"action": "schedule_removed", "task": name},
            )


def _limit(task: ScheduledTask) -> Argument:
    runs = task.options.max_runs
    return "" if runs is None else runs
