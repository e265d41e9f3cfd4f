from __future__ import annotations

from typing import TYPE_CHECKING, Any

import saq
from saq.job import Status

from jtc.queue.codec import decode
from jtc.queue.tick import TickMeta, tick_meta_of

if TYPE_CHECKING:
    from jtc.queue.redis_queue import RedisQueue

# What a worker counts with, compares or looks into; another type would break its loops.
_NUMBER = (int, float)
_SOUND: tuple[tuple[str, Any], ...] = (
    ("function", str),
    ("key", str),
    ("kwargs", (dict, type(None))),
    ("timeout", (*_NUMBER, type(None))),
    ("retries", int),
    ("ttl", int),
    ("retry_delay", _NUMBER),
    ("retry_backoff", _NUMBER),
    ("attempts", int),
    ("status", Status),
    ("meta", dict),
)


class ClaimedJob(saq.Job):
    """A job in a worker's hands, with the claim that entitles it to end the attempt."""

    # Not fields: they belong to this attempt and are no part of the document.
    claim = ""
    document: Any = None
    tick: TickMeta | None = None
    # The server's clock and this process's counter when the attempt began, in seconds.
    clock: tuple[float, float] | None = None

    def restore(self) -> None:
        """Put back the arguments as they were when the job was claimed.

        The function may have changed them, and the next attempt must get what was
        dispatched.
        """
        if self.document is not None:
            self.kwargs = decode(self.document).get("kwargs")


def read_claimed_job(queue: RedisQueue, payload: bytes | None) -> ClaimedJob | None:
    """Build a job from its document; None when it is no job of this queue."""
    if not payload:
        return None
    try:
        document = queue._load(payload)  # noqa: SLF001 - SAQ's name for the codec
        if document.pop("queue") != queue.name:
            return None
        job = ClaimedJob(**document, queue=queue)
        job.document = payload
        if job.meta:
            job.tick = tick_meta_of(job.meta)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return job if _is_sound(job) else None


def _is_sound(job: ClaimedJob) -> bool:
    fields = job.__dict__
    for name, kind in _SOUND:  # noqa: SIM110 - a generator takes twice the time
        if not isinstance(fields[name], kind):
            return False
    return True
