from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from redis.exceptions import ResponseError

from jtc.queue.failed_job import read_failed_job
from jtc.queue.failure_line import FailureLine, read_line, write_line
from jtc.queue.groups import in_groups
from jtc.queue.places import Place
from jtc.queue.redis_queue import RedisQueue

GROUP = 200
"""How many documents one call reads."""


class FailureLines:
    """What failed jobs are searched by, where their documents need not be read.

    Workers write a line as a job fails. One that is missing is made of the document,
    and written for the next who looks.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._queue = queue
        self._prefix = queue.job_id("")

    async def read(self, places: Sequence[Place]) -> Sequence[FailureLine | None]:
        """Return the line of each failed job; None where its document has expired."""
        missing = [place for place in places if not place.said]
        made: dict[str, str] = {}
        for group in in_groups(missing, GROUP):
            made |= await self._make(group)
        return [self._line(place, made) for place in places]

    def _line(self, place: Place, made: Mapping[str, str]) -> FailureLine | None:
        text = place.said or made.get(place.job_id, "").encode()
        if not text:
            return None
        key = place.job_id.removeprefix(self._prefix)
        return read_line(key, text, at=float(place.number))

    async def _make(self, places: Sequence[Place]) -> dict[str, str]:
        documents = await self._queue.redis.mget([place.job_id for place in places])
        made = {
            place.job_id: self._text(place, document)
            for place, document in zip(places, documents, strict=True)
            if document is not None
        }
        # Who may only look, looks without.
        with contextlib.suppress(ResponseError):
            async with self._queue.redis.pipeline(transaction=False) as pipe:
                for job_id, text in made.items():
                    # Not over what a worker has written meanwhile.
                    pipe.hsetnx(self._queue.keys.failures, job_id, text)
                await pipe.execute()
        return made

    def _text(self, place: Place, document: bytes) -> str:
        at = float(place.number)
        job = read_failed_job(self._queue, place.job_id, document, failed_at=at)
        return write_line(job.function, job.job_class, job.exception, job.message)
