from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from jtc.queue.codec import decode


@dataclass(frozen=True, slots=True)
class Pause:
    """That a schedule or a queue is paused.

    Attributes:
        at: Since when, in UTC, by the server's clock.
        note: Why, for whoever looks at it.
        until: When it goes on by itself, in UTC; None when somebody has to resume it.
    """

    at: datetime
    note: str = ""
    until: datetime | None = None


def read_pause(text: bytes | None, *, now: float) -> Pause | None:
    """Read what `pause.lua` or `halt.lua` wrote; None when none is on.

    Args:
        text: What Redis holds, if anything.
        now: The server's clock in epoch seconds.
    """
    if text is None:
        return None
    found = decode(text)
    until = found.get("until")
    if until is not None and until <= now:
        return None
    return Pause(
        at=datetime.fromtimestamp(found["at"], tz=UTC),
        note=found["note"],
        until=None if until is None else datetime.fromtimestamp(until, tz=UTC),
    )
