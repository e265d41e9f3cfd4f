from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jtc.queue.scripts import Argument

META = "unique"


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """What a job's document says of the jobs that it must not stand beside.

    Attributes:
        key: What they have in common.
        until: `start`: while one waits. `finish`: while one waits or runs.
        ttl: Seconds after which another one may come in any case.
    """

    key: str
    until: str
    ttl: int

    def as_arguments(self) -> tuple[Argument, ...]:
        """Return what the scripts are told of it."""
        return self.key, self.until, self.ttl * 1000


def read_unique_key(meta: Mapping[str, Any]) -> UniqueKey | None:
    """Return what a job's `meta` says; None if it is nothing that we wrote.

    Example:
        >>> read_unique_key({"unique": {"key": "a", "until": "start", "ttl": 9}})
        UniqueKey(key='a', until='start', ttl=9)
        >>> read_unique_key({"unique": "the user's own"})
    """
    said = meta.get(META)
    if not isinstance(said, dict) or said.keys() != {"key", "until", "ttl"}:
        return None
    one = UniqueKey(said["key"], said["until"], said["ttl"])
    is_sound = isinstance(one.key, str) and one.until in ("start", "finish")
    return one if is_sound and isinstance(one.ttl, int) and one.ttl > 0 else None
