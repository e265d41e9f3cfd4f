from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from jtc.queue.definition import Definition, decode_definition
from jtc.queue.due_entry import moment
from jtc.queue.errors import ScheduleNotFound, UnreadableDefinition
from jtc.queue.known_tasks import KnownTasks
from jtc.queue.pause import read_pause
from jtc.queue.schedule_status import ScheduleStatus
from jtc.queue.schedule_store import ScheduleStore, State
from jtc.queue.target import Target
from jtc.queue.tick_record import read_tick_record
from jtc.queue.ticks import first_due
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)


class ScheduleCatalog:
    """The schedules of a queue: what workers said of them, and what this process knows.

    What workers have said counts: it is by that that they fire. Where it is the same as
    what is known here, that is taken, for it has the parts that are code.

    Args:
        queue_name: The queue.
        known: The tasks in this process's code.
        store: What the queue has.
    """

    def __init__(
        self, queue_name: str, known: KnownTasks, store: ScheduleStore
    ) -> None:
        self._queue_name = queue_name
        self._known = known
        self._store = store

    async def find(self, name: str) -> Definition:
        """Return a schedule.

        Raises:
            ScheduleNotFound: There is none of that name.
            UnreadableDefinition: This version cannot read it.
        """
        definition = await self.look_up(name)
        if definition is None:
            raise await self.not_found(name)
        return definition

    async def look_up(self, name: str) -> Definition | None:
        """Return a schedule; None when there is none of that name.

        Raises:
            UnreadableDefinition: This version cannot read it.
        """
        return self._read(name, await self._store.definition(name))

    async def status(self, name: str) -> ScheduleStatus | None:
        """Return how a schedule stands; None when there is none of that name.

        Raises:
            UnreadableDefinition: This version cannot read it.
        """
        text = await self._store.definition(name)
        found = self._read(name, text)
        if found is None:
            return None
        return (await self._stand([found], is_new=text is None))[0]

    async def statuses(self) -> AsyncIterator[ScheduleStatus]:
        """Yield how each schedule stands."""
        met: set[str] = set()
        known = self._known.all()
        async for page in self._store.pages():
            fresh = {name: text for name, text in page.items() if name not in met}
            met |= fresh.keys()
            for status in await self._stand(_readable(fresh, known)):
                yield status
        missing = [_in_code(task) for name, task in known.items() if name not in met]
        for status in await self._stand(missing, is_new=True):
            yield status

    async def statuses_of(self, names: Sequence[str]) -> Sequence[ScheduleStatus]:
        """Return how some schedules stand, in the order of their names.

        Left out is what there is not, or what this version cannot read.
        """
        known = self._known.all()
        texts = await self._store.definitions(names)
        named = {name: text for name, text in texts.items() if text is not None}
        new = [_in_code(known[one]) for one in texts if one in known.keys() - named]
        found = [
            *await self._stand(_readable(named, known)),
            *await self._stand(new, is_new=True),
        ]
        return sorted(found, key=lambda status: status.name)

    async def not_found(self, name: str) -> ScheduleNotFound:
        """Return the error that says what is near to a name that there is not."""
        return ScheduleNotFound(
            name,
            queue=self._queue_name,
            known=await self.names(),
            elsewhere=self._known.queue_of(name),
        )

    async def names(self) -> Sequence[str]:
        """Return names of schedules: all, or some of very many."""
        # Workers have named most of the tasks that are known here.
        return list(dict.fromkeys([*self._known.all(), *await self._store.names()]))

    def _read(self, name: str, text: bytes | None) -> Definition | None:
        known = self._known.get(name)
        if text is not None:
            return _merged(decode_definition(name, text), known)
        return None if known is None else _in_code(known)

    async def _stand(
        self, definitions: Sequence[Definition], *, is_new: bool = False
    ) -> Sequence[ScheduleStatus]:
        # What is new is due as it will be once a worker has named it.
        members = {one.task.name: one.member for one in definitions}
        pairs = zip(definitions, await self._store.states(members), strict=True)
        return [self._status(one, state, is_new=is_new) for one, state in pairs]

    def _status(
        self, definition: Definition, state: State, *, is_new: bool
    ) -> ScheduleStatus:
        task = definition.task
        last = state.last
        return ScheduleStatus(
            name=task.name,
            schedule=task.schedule,
            description=task.description,
            options=task.options,
            target=definition.target,
            queue=self._queue_name,
            next_due=_next_due(task, state, is_new=is_new),
            last=None if last is None else read_tick_record(task.name, last),
            paused=read_pause(state.paused, now=state.now),
            in_code=definition.in_code,
        )


def _readable(
    page: Mapping[str, bytes], known: Mapping[str, ScheduledTask]
) -> list[Definition]:
    found: list[Definition] = []
    for name, text in page.items():
        try:
            found.append(_merged(decode_definition(name, text), known.get(name)))
        except UnreadableDefinition as error:
            logger.warning(
                "%s", error, extra={"action": "schedule_unreadable", "task": name}
            )
    return found


def _merged(stored: Definition, known: ScheduledTask | None) -> Definition:
    if known is None or not stored.in_code:
        return stored
    is_same = known.fingerprint == stored.task.fingerprint
    return _in_code(known) if is_same else stored


def _in_code(task: ScheduledTask) -> Definition:
    return Definition(task, Target.of_task(task), in_code=True)


def _next_due(task: ScheduledTask, state: State, *, is_new: bool) -> datetime | None:
    if not task.options.enabled:
        return None
    if state.due is not None:
        return moment(state.due)
    return first_due(task, moment(state.now)) if is_new else None
