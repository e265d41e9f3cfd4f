from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from jtc.queue.failed_index import GROUP, Entry, FailedIndex
from jtc.queue.failed_job import FailedJob
from jtc.queue.failed_job_filter import FailedJobFilter
from jtc.queue.groups import OnProgress, in_groups
from jtc.queue.redis_queue import RedisQueue


class FailedJobs:
    """The jobs of a queue that failed for good, the latest first.

    They are kept for seven days, and no more than ten thousand of them. One that is
    enqueued again under its key is no longer here.

    Args:
        queue: The queue.

    Example:
        >>> async def try_timeouts_again(queue: RedisQueue) -> int:
        ...     failed = FailedJobs(queue)
        ...     return len(await failed.retry_all(exception=TimeoutError))
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._index = FailedIndex(queue)

    async def list(
        self,
        *,
        job_class: str | None = None,
        function: str | None = None,
        exception: type[BaseException] | str | None = None,
        since: datetime | None = None,
        older_than: float | timedelta | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Sequence[FailedJob]:
        """Return failed jobs, the latest first.

        Args:
            job_class: The class's name in the queue, or the last part of it.
            function: The function's name.
            exception: The type of the error, its name, or the last part of that.
            since: Those that failed at that time or later; an aware datetime.
            older_than: Those that failed longer ago; seconds or a `timedelta`.
            limit: How many to return at the most.
            offset: How many of those that fit to pass over.

        Raises:
            InvalidFilter: A time has no time zone, or a duration is none.
        """
        wanted = FailedJobFilter(job_class, function, exception, since, older_than)
        found: Sequence[FailedJob] = ()
        async for entries in self._groups(wanted):
            found = (*found, *(entry.job for entry in entries))
            if len(found) >= offset + limit:
                break
        return found[offset : offset + limit]

    async def count(self) -> int:
        """Return how many failed jobs the queue keeps."""
        return await self._index.count()

    async def get(self, job_id: str) -> FailedJob | None:
        """Return the failed job of that id; None when there is none."""
        entries = await self._index.load(await self._index.look_up([job_id]))
        return entries[0].job if entries else None

    async def retry(
        self, *job_ids: str, on_progress: OnProgress | None = None
    ) -> Sequence[str]:
        """Put failed jobs back at the end of the queue, with all their tries.

        Args:
            job_ids: Their ids.
            on_progress: Is called every few hundred jobs, with how many of how many
                are done.

        Returns:
            The ids of those that were put back. Left out is what is not listed, what
            was enqueued again under the same key, what is no job of this queue, and a
            unique job while another one with its key is in the queue: it stays listed.
        """
        back: list[str] = []
        listed = await self._index.look_up(job_ids)
        for group in in_groups(listed, GROUP, on_progress):
            entries = await self._index.load(group)
            back += await self._index.put_back(entries)
        return tuple(back)

    async def retry_all(
        self,
        *,
        job_class: str | None = None,
        function: str | None = None,
        exception: type[BaseException] | str | None = None,
        since: datetime | None = None,
        older_than: float | timedelta | None = None,
        text: str | None = None,
        group: tuple[str | None, str | None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Sequence[str]:
        """Put back all failed jobs that fit, each once: see `list` and `retry`.

        Args:
            job_class: As for `list`, like the following.
            function: The function's name.
            exception: The type of the error.
            since: Those that failed at that time or later.
            older_than: Those that failed longer ago.
            text: As for `FailedPages.page`.
            group: As for `FailedPages.page`.
            on_progress: As for `retry`.

        Raises:
            InvalidFilter: A time has no time zone, or a duration is none.
        """
        wanted = FailedJobFilter(
            job_class, function, exception, since, older_than, text, group
        )
        back: list[str] = []
        async for entries in self._groups(wanted, on_progress):
            back += await self._index.put_back(entries)
        return tuple(back)

    async def forget(
        self, *job_ids: str, on_progress: OnProgress | None = None
    ) -> Sequence[str]:
        """Delete failed jobs and return the ids of those that were listed.

        Args:
            job_ids: Their ids.
            on_progress: As for `retry`.
        """
        gone: list[str] = []
        listed = await self._index.look_up(job_ids)
        for group in in_groups(listed, GROUP, on_progress):
            gone += await self._index.delete(group)
        return tuple(gone)

    async def forget_all(
        self,
        *,
        job_class: str | None = None,
        function: str | None = None,
        exception: type[BaseException] | str | None = None,
        since: datetime | None = None,
        older_than: float | timedelta | None = None,
        text: str | None = None,
        group: tuple[str | None, str | None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Sequence[str]:
        """Delete all failed jobs that fit and return their ids.

        Args:
            job_class: As for `retry_all`, like the following.
            function: The function's name.
            exception: The type of the error.
            since: Those that failed at that time or later.
            older_than: Those that failed longer ago.
            text: As for `FailedPages.page`.
            group: As for `FailedPages.page`.
            on_progress: As for `retry`.

        Raises:
            InvalidFilter: A time has no time zone, or a duration is none.
        """
        wanted = FailedJobFilter(
            job_class, function, exception, since, older_than, text, group
        )
        gone: list[str] = []
        async for entries in self._groups(wanted, on_progress):
            listed = [
                (one.job_id.encode(), one.job.failed_at.timestamp()) for one in entries
            ]
            gone += await self._index.delete(listed)
        return tuple(gone)

    async def flush(
        self,
        *,
        older_than: float | timedelta | None = None,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Delete all failed jobs, or those that failed longer ago than `older_than`.

        Args:
            older_than: Seconds or a `timedelta`.
            on_progress: As for `retry`.

        Returns:
            How many were deleted.

        Raises:
            InvalidFilter: The duration is none.
        """
        gone = 0
        wanted = FailedJobFilter(older_than=older_than)
        listed = await self._index.find(wanted)
        for group in in_groups(listed, GROUP, on_progress):
            gone += len(await self._index.delete(group))
        return gone

    async def prune(self) -> int:
        """Drop failed jobs that are too old, and the oldest of those that are too many.

        Workers do so every minute. One call drops a thousand at the most.

        Returns:
            How many were dropped.
        """
        return await self._index.prune()

    async def _groups(
        self, wanted: FailedJobFilter, on_progress: OnProgress | None = None
    ) -> AsyncIterator[Sequence[Entry]]:
        # Listed once, at the start: what is put back and fails again is not met again.
        listed = await self._index.find(wanted)
        for group in in_groups(listed, GROUP, on_progress):
            entries = await self._index.load(group)
            yield [entry for entry in entries if wanted.fits(entry.job)]
