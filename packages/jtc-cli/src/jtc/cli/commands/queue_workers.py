from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from jtc.cli.json_form import json_form
from jtc.cli.opening import open_queues
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.cli.workers_view import describe_workers
from jtc.queue import QueueMonitor, WorkerStatus

Found = tuple[str, Sequence[WorkerStatus]]


def show_workers(place: Place, *, as_json: bool) -> None:
    """Print the workers of queues, and what each has in hand.

    Raises:
        NoServer: No server answers.
        QueueError: A setting is unfit.
    """
    found, now = asyncio.run(_read(place))
    if as_json:
        print_json(
            [
                {"queue": queue, **json_form(worker)}
                for queue, workers in found
                for worker in workers
            ]
        )
        return
    texts = [describe_workers(workers, queue=q, now=now) for q, workers in found]
    print_text("\n\n".join(texts))


async def _read(place: Place) -> tuple[list[Found], datetime]:
    async with open_queues(place) as queues:
        found = [(queue.name, await QueueMonitor(queue).workers()) for queue in queues]
        seconds, _ = await queues[0].redis.time()
    return found, datetime.fromtimestamp(seconds, tz=UTC)
