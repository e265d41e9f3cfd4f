from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import saq

from jtc.queue.codec import decode
from jtc.queue.failure import Failure
from jtc.queue.secret_fields import secret_names
from jtc.queue.tick import TickMeta, tick_meta_of
from jtc.queue.veil import Veil

if TYPE_CHECKING:
    from jtc.queue.redis_queue import RedisQueue

# What a worker counts with, compares or looks into; another type would break its loops.
_NUMBER = (int, float)
_SOUND: dict[str, Any] = {
    "function": str,
    "key": str,
    "kwargs": (dict, type(None)),
    "timeout": (*_NUMBER, type(None)),
    "retries": int,
    "ttl": int,
    "retry_delay": _NUMBER,
    "retry_backoff": _NUMBER,
    "attempts": int,
    "status": str,
    "meta": dict,
}
# Without a key a job would be given a new one.
_REQUIRED = {"function", "key"}
_FIELDS = {field.name for field in dataclasses.fields(saq.Job)}
_DEFAULTS = {
    field.name: field.default
    for field in dataclasses.fields(saq.Job)
    if field.default is not dataclasses.MISSING
}


Hold = tuple[str, str]
"""A job's id and the claim it is held by."""


class ClaimedJob(saq.Job):
    """A job in a worker's hands, with the claim that entitles it to end the attempt."""

    # Not fields: they belong to this attempt and are no part of the document.
    claim = ""
    document: Any = None
    tick: TickMeta | None = None
    # The server's clock and this process's counter when the attempt began, in seconds.
    clock: tuple[float, float] | None = None
    # Which attempt it is, from 1; 0 before it begins.
    attempt = 0
    # Seconds for which it could have been taken, and that the attempt took.
    waited: float | None = None
    took: float | None = None
    # What the attempt went wrong with.
    failure: Failure | None = None
    # What hides its secrets; None before anybody asked.
    veil: Veil | None = None

    def __repr__(self) -> str:
        return self.info(full=not secret_names(self.meta))

    @property
    def hold(self) -> Hold:
        """What entitles a worker to this attempt."""
        return self.id, self.claim

    @classmethod
    def read(cls, queue: RedisQueue, document: dict[str, Any]) -> ClaimedJob:
        """Make a job of the fields of its document; takes half the time of `__init__`.

        Raises:
            TypeError: There is a field that `saq.Job` does not have.
            KeyError: There is no such status.
        """
        if not document.keys() <= _FIELDS:
            unknown = sorted(document.keys() - _FIELDS)
            raise TypeError(f"saq.Job has no field {unknown}")
        job = cls.__new__(cls)
        fields = job.__dict__
        fields.update(_DEFAULTS)
        fields["meta"] = {}
        fields.update(document)
        fields["queue"] = queue
        job.__post_init__()
        return job

    def get_queue(self) -> RedisQueue:
        """Return the queue that the job was claimed from."""
        # Without a cast: it is called several times for each job.
        return self.queue  # type: ignore[return-value]

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
        if document.pop("queue") != queue.name or not _is_sound(document):
            return None
        job = ClaimedJob.read(queue, document)
        if job.meta:
            job.tick = tick_meta_of(job.meta)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    job.document = payload
    return job


def _is_sound(document: dict[str, Any]) -> bool:
    if not document.keys() >= _REQUIRED:
        return False
    for name, value in document.items():
        kind = _SOUND.get(name)
        if kind is not None and not isinstance(value, kind):
            return False
    return True
