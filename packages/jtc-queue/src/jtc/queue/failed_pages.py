from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from jtc.queue.failed_group import FailedGroup, gather_groups
from jtc.queue.failed_index import FailedIndex
from jtc.queue.failed_job_filter import FailedJobFilter
from jtc.queue.failed_page import FailedPage
from jtc.queue.failure_line import FailureLine
from jtc.queue.failure_lines import FailureLines
from jtc.queue.places import BEGINNING, Place, SortedPlaces, check_size, read_cursor
from jtc.queue.redis_queue import RedisQueue

STEP = 2000
"""How many failed jobs one call looks through."""


class FailedPages:
    """The failed jobs of a queue, page by page and in groups.

    What is searched for is found without reading the documents of the others. What
    fails or leaves the list meanwhile changes nothing about the pages that follow.

    Args:
        queue: The queue.

    Example:
        >>> async def worst(queue: RedisQueue) -> FailedGroup | None:
        ...     groups = await FailedPages(queue).groups()
        ...     return groups[0] if groups else None
    """

    def __init__(self, queue: RedisQueue) -> None:
        keys = queue.keys
        self._queue = queue
        self._index = FailedIndex(queue)
        self._lines = FailureLines(queue)
        self._places = SortedPlaces(
            queue, keys.failed, is_reverse=True, said=keys.failures
        )

    async def page(
        self,
        *,
        text: str | None = None,
        job_class: str | None = None,
        function: str | None = None,
        exception: type[BaseException] | str | None = None,
        group: tuple[str | None, str | None] | None = None,
        since: datetime | None = None,
        older_than: float | timedelta | None = None,
        cursor: str | None = None,
        size: int = 50,
    ) -> FailedPage:
        """Return a page of the failed jobs that fit, the latest first.

        One that leaves the list while the page is read may be missing from it.

        Args:
            text: What stands in the id, the class or function, the exception or the
                message; upper and lower case are the same.
            job_class: As for `FailedJobs.list`, like the following.
            function: The function's name.
            exception: The type of the error.
            group: The `key` of a `FailedGroup`: those of that group.
            since: Those that failed at that time or later.
            older_than: Those that failed longer ago.
            cursor: `next` of the page before; the first page unless given.
            size: How many jobs a page has at the most, up to 500.

        Raises:
            InvalidFilter: A time has no time zone, a duration, the cursor or the size
                is none.
        """
        wanted = FailedJobFilter(
            job_class, function, exception, since, older_than, text, group
        )
        check_size(size)
        begin = read_cursor(cursor) if cursor else await self._begin(wanted)
        return await self._page(wanted, begin, size)

    async def groups(
        self,
        *,
        text: str | None = None,
        job_class: str | None = None,
        function: str | None = None,
        exception: type[BaseException] | str | None = None,
        since: datetime | None = None,
        older_than: float | timedelta | None = None,
    ) -> Sequence[FailedGroup]:
        """Return the failed jobs that fit by what they run and what they failed with.

        All that the queue keeps are looked at. The largest group comes first.

        Args:
            text: As for `page`, like the following.
            job_class: The class's name in the queue, or the last part of it.
            function: The function's name.
            exception: The type of the error.
            since: Those that failed at that time or later.
            older_than: Those that failed longer ago.

        Raises:
            InvalidFilter: A time has no time zone, or a duration is none.
        """
        wanted = FailedJobFilter(
            job_class, function, exception, since, older_than, text
        )
        begin = await self._begin(wanted)
        found = [
            pair async for some in self._look(wanted, begin, STEP) for pair in some
        ]
        return gather_groups(line for _, line in found if line and wanted.fits(line))

    async def _page(
        self, wanted: FailedJobFilter, begin: Place, size: int
    ) -> FailedPage:
        chosen: list[Place] = []
        looked_at = 0
        # One more than asked for says whether there is a next page.
        takes_all = wanted.takes_all
        step = size + 1 if takes_all else STEP
        async for found in self._look(wanted, begin, step):
            looked_at += len(found)
            fitting = (p for p, one in found if takes_all or (one and wanted.fits(one)))
            chosen += islice(fitting, size + 1 - len(chosen))
            if len(chosen) > size:
                break
        shown = [(one.job_id.encode(), float(one.number)) for one in chosen[:size]]
        entries = await self._index.load(shown)
        return FailedPage(
            jobs=[entry.job for entry in entries],
            next=chosen[size - 1].cursor if len(chosen) > size else None,
            total=await self._index.count(),
            looked_at=looked_at,
        )

    async def _begin(self, wanted: FailedJobFilter) -> Place:
        if wanted.older_than is None:
            return BEGINNING
        seconds, micros = await self._queue.redis.time()
        _, last = wanted.times(now=seconds + micros / 1e6)
        return Place(f"{last:.6f}", "")

    async def _look(
        self, wanted: FailedJobFilter, begin: Place, step: int
    ) -> AsyncIterator[Sequence[tuple[Place, FailureLine | None]]]:
        """Yield failed jobs from a place on, with their lines if they are searched."""
        earliest = -math.inf if wanted.since is None else wanted.since.timestamp()
        is_last = False
        while not is_last:
            stretch = await self._places.after(begin, step)
            lines: Sequence[FailureLine | None] = [None] * len(stretch.places)
            if step == STEP:
                lines = await self._lines.read(stretch.places)
            pairs = zip(stretch.places, lines, strict=True)
            found = [pair for pair in pairs if float(pair[0].number) >= earliest]
            yield found
            is_last = stretch.is_last or len(found) < len(stretch.places)
            begin = stretch.places[-1] if stretch.places else begin
