from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jtc.cli.errors import JobsNotFound
from jtc.cli.job_view import describe_job
from jtc.cli.json_form import json_form
from jtc.cli.opening import open_queues
from jtc.cli.output import print_json, print_text, say
from jtc.cli.place import Place
from jtc.cli.progress_bar import progress_bar
from jtc.queue import JobRecord, QueueMonitor, RedisQueue


def show_job(job_id: str, place: Place, *, as_json: bool) -> None:
    """Print all that is known of a job.

    Raises:
        JobsNotFound: It is in none of the queues.
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """

    async def look() -> JobRecord:
        async with open_queues(place) as queues:
            for queue in queues:
                if record := await QueueMonitor(queue).job(job_id):
                    return record
            raise JobsNotFound([job_id], [queue.name for queue in queues])

    record = asyncio.run(look())
    if as_json:
        print_json(json_form(record))
    else:
        print_text(describe_job(record))


def cancel_jobs(ids: Sequence[str], place: Place, *, as_json: bool) -> None:
    """Cancel jobs.

    Raises:
        JobsNotFound: Some have ended or are in none of the queues; the others were
            canceled.
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """

    async def cancel() -> tuple[dict[str, str], list[str]]:
        async with open_queues(place) as queues:
            done = await _cancel_all(list(dict.fromkeys(ids)), queues)
            return done, [queue.name for queue in queues]

    done, names = asyncio.run(cancel())
    for job_id, word in done.items():
        if word == "canceled":
            say(f"Canceled {job_id}.")
        elif word == "asked":
            say(f"Asked the worker of {job_id} to stop it.")
    if as_json:
        print_json(done)
    if left := [job_id for job_id, word in done.items() if word == "not found"]:
        raise JobsNotFound(left, names, to_cancel=True)


async def _cancel_all(
    ids: Sequence[str], queues: Sequence[RedisQueue]
) -> dict[str, str]:
    done: dict[str, str] = {}
    with progress_bar("Canceling") as show:
        for job_id in ids:
            done[job_id] = await _cancel(job_id, queues)
            show(len(done), len(ids))
    return done


async def _cancel(job_id: str, queues: Sequence[RedisQueue]) -> str:
    for queue in queues:
        key = queue.job_key_from_id(job_id) if job_id.startswith("saq:") else job_id
        if await queue.cancel(key):
            record = await QueueMonitor(queue).job(key)
            return "asked" if record and record.canceling else "canceled"
    return "not found"
