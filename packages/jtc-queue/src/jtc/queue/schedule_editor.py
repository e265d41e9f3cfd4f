from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jtc.queue.definition import Definition, decode_definition, encode_definition
from jtc.queue.due_entry import moment
from jtc.queue.errors import InvalidSchedule
from jtc.queue.expectation import encode_expectation
from jtc.queue.job_class import JobClass
from jtc.queue.known_tasks import KnownTasks
from jtc.queue.new_schedule import Aim, aim_at_job, aim_at_task, define, redefine
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.schedule_catalog import ScheduleCatalog
from jtc.queue.schedule_runs import manual_job
from jtc.queue.schedule_store import DueChange, NewEntry, ScheduleStore
from jtc.queue.ticks import first_due
from jtc.schedule import ScheduledTask


class ScheduleEditor:
    """Makes, changes and removes the schedules that are not in code.

    Args:
        queue: The queue.
        known: The tasks in this process's code.
        catalog: The schedules there are.
        store: Where they are kept.
        timezone: In which zone schedules are read that name none.
    """

    def __init__(
        self,
        queue: RedisQueue,
        known: KnownTasks,
        catalog: ScheduleCatalog,
        store: ScheduleStore,
        *,
        timezone: str,
    ) -> None:
        self._queue = queue
        self._known = known
        self._catalog = catalog
        self._store = store
        self._timezone = timezone

    async def add(self, wanted: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make schedules; return the names of those whose name was free."""
        now = moment(await self._store.now())
        taken = self._known.all()
        aims: dict[str, Aim] = {}
        entries: list[NewEntry] = []
        for said in wanted:
            name, aim = said.get("name"), await self._aim(said, aims)
            definition = self._fitting(define(aim, said, timezone=self._timezone))
            if name not in taken:
                entries.append(self._entry(definition, now))
        added = await self._store.add(entries)
        pairs = zip(entries, added, strict=True)
        return [entry.name for entry, is_added in pairs if is_added]

    async def update(self, name: str, said: Mapping[str, Any]) -> None:
        """Change a schedule; should somebody else do so too, start over from theirs."""
        is_done = False
        while not is_done:
            text = await self._store.definition(name)
            is_done = await self._update(name, text, said)

    async def remove(self, name: str) -> bool:
        """Remove a schedule; return whether there was one."""
        word = await self._store.remove(name)
        if word == "in_code" or (word == "unknown" and self._known.get(name)):
            raise InvalidSchedule(name, "it is a task in code; remove it there")
        return word == "removed"

    async def _update(
        self, name: str, text: bytes | None, said: Mapping[str, Any]
    ) -> bool:
        if text is None and self._known.get(name) is None:
            raise await self._catalog.not_found(name)
        before = None if text is None else decode_definition(name, text)
        if text is None or before is None or before.in_code:
            raise InvalidSchedule(name, "it is a task in code; change it there")
        is_aimed = "task" in said or "job" in said
        aim = await self._aim({"name": name, **said}, {}) if is_aimed else None
        after = self._fitting(redefine(before, aim, said))
        now = moment(await self._store.now())
        return await self._store.update(
            name,
            before=text,
            after=encode_definition(after.task, after.target),
            due=_due_change(before.task, after.task, now),
            expected=encode_expectation(after.task.options),
        )

    async def _aim(self, said: Mapping[str, Any], aims: dict[str, Aim]) -> Aim:
        name: str | None = said.get("name")
        task: str | None = said.get("task")
        job: JobClass | str | None = said.get("job")
        if task is None and job is not None:
            return aim_at_job(job)
        if task is None or job is not None:
            problem = "give either task= or job=, for what its ticks run"
            raise InvalidSchedule(name, problem)
        if task not in aims:
            aims[task] = aim_at_task(await self._task(name, task))
        return aims[task]

    async def _task(self, name: object, target: str) -> Definition:
        found = await self._catalog.look_up(target)
        if found is not None and found.in_code:
            return found
        if found is not None:
            problem = f"{target!r} is a schedule made at run time, and no task"
            raise InvalidSchedule(name, f"{problem}; give what that one runs")
        near = difflib.get_close_matches(str(target), await self._catalog.names())
        hint = (
            f"did you mean {' or '.join(map(repr, near))}?"
            if near
            else "import the module that defines it, or start a worker that has it"
        )
        problem = (
            f"neither this process nor a worker of its queue has a task {target!r}"
        )
        raise InvalidSchedule(name, f"{problem}; {hint}")

    def _fitting(self, definition: Definition) -> Definition:
        """Return a definition in its zone, if it is one for this queue."""
        task, queue = definition.task, self._queue.name
        if task.options.queue not in (None, queue):
            problem = (
                f"it would be run in queue {task.options.queue!r}, and this is "
                f"{queue!r}; make it there, or say queue={queue!r}"
            )
            raise InvalidSchedule(task.name, problem)
        in_zone = task.in_timezone(self._timezone)
        return Definition(in_zone, definition.target, in_code=False)

    def _entry(self, definition: Definition, now: datetime) -> NewEntry:
        task = definition.task
        text = encode_definition(task, definition.target)
        due = _first_due(task, now).timestamp() if task.options.enabled else ""
        entry = NewEntry(
            task.name, text, due, expected=encode_expectation(task.options)
        )
        if not (task.options.run_on_start and task.options.enabled):
            return entry
        job = manual_job(self._queue, definition, now)
        return entry._replace(job_id=job.id, job=self._queue.serialize(job))


def _due_change(
    before: ScheduledTask, after: ScheduledTask, now: datetime
) -> DueChange:
    if not after.options.enabled:
        return DueChange("none")
    if before.fingerprint != after.fingerprint or not before.options.enabled:
        return DueChange("set", _first_due(after, now).timestamp())
    if before.options.max_runs != after.options.max_runs:
        return DueChange("fill", _first_due(after, now).timestamp())
    return DueChange("keep")


def _first_due(task: ScheduledTask, now: datetime) -> datetime:
    due = first_due(task, now)
    if due is None:
        problem = f"it has no tick to come: ends_at={task.options.ends_at} is before"
        raise InvalidSchedule(task.name, problem)
    return due
