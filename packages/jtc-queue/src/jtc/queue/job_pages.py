from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from jtc.queue.errors import InvalidFilter
from jtc.queue.failed_job_filter import is_named
from jtc.queue.job_page import JobPage, PageState
from jtc.queue.job_record import JobRecord, read_jobs
from jtc.queue.places import (
    ListPlaces,
    Place,
    Places,
    SortedPlaces,
    check_size,
    read_cursor,
)
from jtc.queue.redis_queue import RedisQueue

WINDOW = 1000
"""How many jobs are looked at for one page."""
GROUP = 200
"""How many jobs one call reads, where not each of them is shown."""
_ENDED = ("complete", "aborted")


class JobPages:
    """The jobs of a queue, state by state and page by page.

    However many there are, a page costs a few calls. What moves meanwhile may be met
    twice; what stays where it is, is met once.

    Args:
        queue: The queue.

    Example:
        >>> async def next_to_run(queue: RedisQueue) -> Sequence[JobRecord]:
        ...     return (await JobPages(queue).page("waiting", size=10)).jobs
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        keys = queue.keys
        recent = ListPlaces(queue, keys.recent)
        self._places: dict[str, Places] = {
            "waiting": ListPlaces(queue, keys.queued),
            "delayed": SortedPlaces(queue, keys.incomplete, above="(0"),
            "running": ListPlaces(queue, keys.active),
            "failed": SortedPlaces(queue, keys.failed, is_reverse=True),
            **dict.fromkeys(_ENDED, recent),
        }

    async def page(
        self,
        state: PageState,
        *,
        name: str | None = None,
        cursor: str | None = None,
        size: int = 50,
    ) -> JobPage:
        """Return a page of the jobs that are in one state.

        `waiting` ones come in the order in which they are taken, `delayed` ones by the
        time they are due, `running` ones as they were taken, and the others with what
        ended last first. Of those that are `complete` or `aborted`, the last five
        hundred are known, for as long as their results are kept.

        Args:
            state: The state.
            name: Only those of that class or function, or whose class ends in it:
                `Pay` for `shop.jobs.Pay`. A thousand jobs are looked at for one page:
                it may have fewer than `size`, or none, and yet a next one.
            cursor: `next` of the page before; the first page unless given.
            size: How many jobs a page has at the most.

        Raises:
            InvalidFilter: The state, the cursor or the size is none.
        """
        if state not in self._places:
            raise InvalidFilter("state", state, f"one of {get_args(PageState)}")
        check_size(size)
        return await _Look(self._queue, self._places[state], state, name).page(
            read_cursor(cursor), size
        )


class _Look:
    """One look for the jobs of a page."""

    def __init__(
        self, queue: RedisQueue, places: Places, state: PageState, name: str | None
    ) -> None:
        self._queue = queue
        self._places = places
        self._state = state
        self._name = name
        self._jobs: dict[str, JobRecord] = {}
        self._looked_at = 0

    async def page(self, place: Place, size: int) -> JobPage:
        while True:
            stretch = await self._places.after(place, self._step(size))
            place = await self._read(stretch.places, size) or place
            is_over = stretch.is_last and stretch.places[-1:] in ([], [place])
            if is_over or len(self._jobs) == size or self._looked_at >= WINDOW:
                break
        return JobPage(
            jobs=list(self._jobs.values()),
            next=None if is_over else place.cursor,
            total=None if self._state in _ENDED else stretch.total,
            looked_at=self._looked_at,
        )

    def _step(self, size: int) -> int:
        is_choosy = self._name is not None or self._state in _ENDED
        return GROUP if is_choosy or self._looked_at else size

    async def _read(self, places: Sequence[Place], size: int) -> Place | None:
        """Read jobs until there are enough; return where the last one stood."""
        last = None
        found = await read_jobs(self._queue, [place.job_id for place in places])
        for place, job in zip(places, found, strict=True):
            last = place
            self._looked_at += 1
            if job is not None and self._fits(job):
                self._jobs[job.id] = job
            if len(self._jobs) == size:
                break
        return last

    def _fits(self, job: JobRecord) -> bool:
        if job.state == "unreadable":
            return self._name is None and self._state not in _ENDED
        if job.state != self._state:
            return False
        name = self._name
        return name is None or job.function == name or is_named(job.job_class, name)
