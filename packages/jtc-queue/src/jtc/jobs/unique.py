from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from jtc.jobs.errors import InvalidOption, InvalidPayload

_YEAR = 31_536_000
Until = Literal["start", "finish"]


@dataclass(frozen=True, slots=True)
class Unique:
    """That of jobs with equal values only one is in the queue at a time.

    Attributes:
        by: The payload fields that are compared; all of them unless given.
        until: `finish`: until the job has ended, its retries included. `start`: only
            while it waits, so that what changes while it runs gets a job of its own.
        ttl: Seconds after which another job may come in any case, from 1 to a year.

    Raises:
        InvalidOption: One of them is unusable.

    Example:
        >>> Unique(by=("order_id",), until="start", ttl=600)
        Unique(by=('order_id',), until='start', ttl=600)
    """

    by: tuple[str, ...] = ()
    until: Until = "finish"
    ttl: int = 3600

    def __post_init__(self) -> None:
        if not isinstance(self.by, tuple) or not all(
            isinstance(n, str) for n in self.by
        ):
            raise InvalidOption("Unique", "by", self.by, "a tuple of payload fields")
        if self.until not in ("start", "finish"):
            raise InvalidOption("Unique", "until", self.until, "'start' or 'finish'")
        is_whole = isinstance(self.ttl, int) and not isinstance(self.ttl, bool)
        if not is_whole or not 1 <= self.ttl <= _YEAR:
            allowed = f"a whole number of seconds from 1 to {_YEAR}"
            raise InvalidOption("Unique", "ttl", self.ttl, allowed)

    def key_for(self, job: str, payload: Mapping[str, Any]) -> str:
        """Return what jobs called `job` with these values have in common.

        Args:
            job: The name of the class.
            payload: The values in their form in JSON, defaults included.

        Raises:
            InvalidPayload: A field of `by` is not there.
        """
        missing = next((name for name in self.by if name not in payload), None)
        if missing is not None:
            raise InvalidPayload(job, missing, "missing; its class compares it")
        chosen = {name: payload[name] for name in self.by} if self.by else payload
        text = msgspec.json.encode(chosen, order="deterministic")
        return f"{job}:{hashlib.sha256(text).hexdigest()[:32]}"
