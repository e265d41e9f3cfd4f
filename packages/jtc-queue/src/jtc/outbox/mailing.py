from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import saq

from jtc.jobs import JobManager
from jtc.outbox.letter import Letter
from jtc.queue import RedisQueue

logger = logging.getLogger(__name__)

_PATIENCE = 5.0


async def send_letters(letters: Sequence[Letter]) -> list[Letter]:
    """Put the jobs of `letters` into their queues, each once, in their order.

    Returns:
        Those whose job is in its queue now, or was before.

    Raises:
        TimeoutError: The server did not answer in time.
        Exception: It could not be reached, or refused.
    """
    sent: list[Letter] = []
    async with asyncio.timeout(_PATIENCE):
        for queue, group in _by_queue(letters):
            jobs = {letter: _read(queue, letter) for letter in group}
            readable = {one: job for one, job in jobs.items() if job is not None}
            await queue.put_once(list(readable.values()))
            sent += readable
    return sent


async def note_sent(letters: Sequence[Letter]) -> None:
    """Tell the queues that the rows of `letters` are gone."""
    async with asyncio.timeout(_PATIENCE):
        for queue, group in _by_queue(letters):
            await queue.note_sent([letter.key for letter in group])


def _by_queue(
    letters: Sequence[Letter],
) -> Iterator[tuple[RedisQueue, Sequence[Letter]]]:
    name_of = attrgetter("queue")
    for name, group in groupby(sorted(letters, key=name_of), name_of):
        yield JobManager.open_queue(name), list(group)


def _read(queue: RedisQueue, letter: Letter) -> saq.Job | None:
    job = queue.deserialize(letter.document)
    if job is None:
        logger.error(
            "The job in row %d of the outbox cannot be read; the row stays there.",
            letter.position,
            extra={"action": "outbox_unreadable", "position": letter.position},
        )
    return job
