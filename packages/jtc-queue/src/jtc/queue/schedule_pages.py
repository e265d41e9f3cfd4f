from __future__ import annotations

from collections.abc import Sequence

from jtc.queue.known_tasks import KnownTasks
from jtc.queue.places import check_size
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.schedule_catalog import ScheduleCatalog
from jtc.queue.schedule_names import ScheduleNames
from jtc.queue.schedule_page import SchedulePage, ScheduleRow
from jtc.queue.schedule_store import ScheduleStore
from jtc.queue.settings import Settings, load_settings
from jtc.queue.tick_record import read_tick_record
from jtc.schedule import ScheduledTask

STRIP = 30
"""How many records of a schedule a page shows."""


class SchedulePages:
    """The schedules of a queue, page by page; `Schedules` is what steers them.

    Args:
        queue: The queue in which they are scheduled.
        tasks: The tasks in this process's code; those of the registry unless given.
        settings: As for `Schedules`.

    Example:
        >>> async def paused(queue: RedisQueue) -> list[str]:
        ...     page = await SchedulePages(queue).page()
        ...     return [row.status.name for row in page.schedules if row.status.paused]
    """

    def __init__(
        self,
        queue: RedisQueue,
        tasks: Sequence[ScheduledTask] | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        settings = load_settings() if settings is None else settings
        self._known = KnownTasks(queue.name, tasks, settings)
        self._store = ScheduleStore(queue)
        self._catalog = ScheduleCatalog(queue.name, self._known, self._store)
        self._names = ScheduleNames(queue)

    async def page(
        self, *, text: str | None = None, cursor: str | None = None, size: int = 50
    ) -> SchedulePage:
        """Return a page of the schedules.

        Up to five thousand of them come in the order of their names. Where there are
        more, only each page is in that order and has about `size` schedules, one that
        is made or removed meanwhile may be missed or met twice, and ten thousand names
        are looked at for one page: there may be none on it, and yet a next one.

        Args:
            text: What stands in the name; upper and lower case are the same.
            cursor: `next` of the page before; the first page unless given.
            size: How many schedules a page has at the most, up to 500.

        Raises:
            InvalidFilter: The cursor or the size is none.
        """
        check_size(size)
        known = self._known.all()
        found = await self._names.page(text or "", cursor, size, known=known)
        rows = await self._rows(found.names)
        return SchedulePage(rows, found.next, found.total, found.looked_at)

    async def row(self, name: str) -> ScheduleRow | None:
        """Return one schedule as a page shows it; None if there is none of that name.

        All of its history is `Schedules.history`; its times are `Schedules.next_runs`.
        """
        rows = await self._rows([name])
        return rows[0] if rows else None

    async def _rows(self, names: Sequence[str]) -> Sequence[ScheduleRow]:
        statuses = await self._catalog.statuses_of(names)
        found = [status.name for status in statuses]
        histories = await self._store.histories(found, STRIP)
        rows = []
        for status, lines in zip(statuses, histories, strict=True):
            records = (read_tick_record(status.name, line) for line in lines)
            strip = tuple(record for record in records if record is not None)
            rows.append(ScheduleRow(status, strip))
        return rows
