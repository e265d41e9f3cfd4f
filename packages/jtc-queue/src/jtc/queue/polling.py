from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from jtc.queue.definition import Definition, decode_definition
from jtc.queue.due_entry import Due, DueEntry, moment
from jtc.queue.errors import UnreadableDefinition
from jtc.queue.redis_queue import RedisQueue
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)

PAGE = 1000
GAP = 20.0
"""Seconds without a note of a look, after which no worker counts as having been there.

It has to be longer than what is between two notes and a worker's longest sleep.
"""
NOTE_EVERY = 10.0
_MOST_KEPT = 10_000


class Polling:
    """Asks the server which schedules are due.

    Args:
        queue: The queue in which they are.
        tasks: Those in this worker's code, by their entry's name.
    """

    def __init__(self, queue: RedisQueue, tasks: Mapping[str, ScheduledTask]) -> None:
        self._queue = queue
        self._tasks = tasks
        # What was read once, with what it was read from; None when it cannot be.
        self._stored: dict[str, tuple[bytes, Definition | None]] = {}
        self._noted = -math.inf
        self._began: datetime | None = None

    async def look(self) -> Due:
        """Return what is due and known here."""
        now, ahead, since, *found = await self._page(0)
        entries = [*self._known(found)]
        offset = 0
        while len(found) == 3 * PAGE:
            offset += PAGE
            now, ahead, _, *found = await self._page(offset)
            entries += self._known(found)
        clock = moment(float(now))
        self._began = self._began or clock
        return Due(
            now=float(now),
            polled_since=moment(float(since)) if since else clock,
            asked_since=self._began,
            entries=tuple(entries),
            ahead=float(ahead) if ahead else None,
        )

    async def _page(self, offset: int) -> Any:
        keys = self._queue.keys
        is_noted = time.monotonic() - self._noted < NOTE_EVERY
        reply = await self._queue.scripts.run(
            "due",
            [keys.due, keys.polled, keys.definitions],
            [offset, PAGE, GAP, int(not is_noted)],
        )
        if not is_noted:
            self._noted = time.monotonic()
        return reply

    def _known(self, found: Sequence[bytes]) -> Iterator[DueEntry]:
        for member, score, definition in _in_threes(found):
            name = member.decode()
            if (task := self._tasks.get(name)) is not None:
                yield DueEntry(task, None, name, score)
            elif definition and (stored := self._read(name, definition)) is not None:
                yield DueEntry(stored.task, stored.target, name, score)

    def _read(self, member: str, text: bytes) -> Definition | None:
        kept = self._stored.get(member)
        if kept is not None and kept[0] == text:
            return kept[1]
        if len(self._stored) >= _MOST_KEPT:
            self._stored.clear()
        definition = _decode(member.removeprefix("*:"), text)
        self._stored[member] = (text, definition)
        return definition


def _decode(name: str, text: bytes) -> Definition | None:
    try:
        return decode_definition(name, text)
    except UnreadableDefinition as error:
        # Left where it is: a newer worker may be able to read it.
        logger.warning(
            "Schedule %s is not fired by this worker: %s",
            name,
            error,
            extra={"action": "schedule_unreadable", "task": name},
        )
        return None


def _in_threes(flat: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    parts = iter(flat)
    return zip(parts, parts, parts, strict=True)
