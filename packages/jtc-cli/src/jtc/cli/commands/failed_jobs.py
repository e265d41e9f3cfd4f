from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from jtc.cli.errors import NotAFailedJob
from jtc.cli.failed_listing import as_json_object, describe_failed_jobs
from jtc.cli.opening import open_queue
from jtc.cli.output import print_json, print_text, say
from jtc.cli.place import Place
from jtc.cli.progress_bar import progress_bar
from jtc.queue import FailedJobs

T = TypeVar("T")


def show_failed(
    place: Place,
    *,
    job_class: str | None,
    exception: str | None,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print failed jobs, for people or as JSON.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """

    async def look(failed: FailedJobs, queue: str) -> None:
        jobs = await failed.list(
            job_class=job_class, exception=exception, since=since, limit=limit
        )
        if as_json:
            print_json([as_json_object(job) for job in jobs])
        else:
            total = await failed.count()
            print_text(describe_failed_jobs(jobs, queue=queue, total=total))

    _run(place, look)


def retry_some(place: Place, ids: Sequence[str], *, as_json: bool) -> None:
    """Put the failed jobs `ids` back.

    Raises:
        NotAFailedJob: Some were not put back; the others were.
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    with progress_bar("Retrying") as show:
        back = _run(place, lambda failed, _: failed.retry(*ids, on_progress=show))
    say(f"Put {len(back)} job(s) back into the queue.")
    if as_json:
        print_json({"retried": list(back)})
    _check_all(ids, back)


def retry_all(
    place: Place,
    *,
    job_class: str | None,
    exception: str | None,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Put all failed jobs back that fit.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    with progress_bar("Retrying") as show:
        back = _run(
            place,
            lambda failed, _: failed.retry_all(
                job_class=job_class, exception=exception, since=since, on_progress=show
            ),
        )
    say(f"Put {len(back)} job(s) back into the queue.")
    if as_json:
        print_json({"retried": list(back)})


def forget_some(place: Place, ids: Sequence[str], *, as_json: bool) -> None:
    """Delete the failed jobs `ids`.

    Raises:
        NotAFailedJob: Some were not there; the others were deleted.
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    with progress_bar("Deleting") as show:
        gone = _run(place, lambda failed, _: failed.forget(*ids, on_progress=show))
    say(f"Deleted {len(gone)} failed job(s).")
    if as_json:
        print_json({"forgotten": list(gone)})
    _check_all(ids, gone)


def flush_all(place: Place, *, older_than: timedelta | None, as_json: bool) -> None:
    """Delete all failed jobs, or those that failed longer ago than `older_than`.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    with progress_bar("Deleting") as show:
        gone = _run(
            place,
            lambda failed, _: failed.flush(older_than=older_than, on_progress=show),
        )
    say(f"Deleted {gone} failed job(s).")
    if as_json:
        print_json({"deleted": gone})


def _run(place: Place, step: Callable[[FailedJobs, str], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_queue(place) as queue:
            return await step(FailedJobs(queue), queue.name)

    return asyncio.run(run())


def _check_all(wanted: Sequence[str], done: Sequence[str]) -> None:
    left = [job_id for job_id in dict.fromkeys(wanted) if not _is_in(done, job_id)]
    if left:
        raise NotAFailedJob(left)


def _is_in(done: Sequence[str], wanted: str) -> bool:
    # Somebody may give the key that the job has in Redis, which ends with its id.
    return any(f":{wanted}".endswith(f":{job_id}") for job_id in done)
