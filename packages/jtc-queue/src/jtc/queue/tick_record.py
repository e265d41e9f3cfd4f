from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jtc.queue.codec import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRecord:
    """What became of a tick, or of several one after the other with the same outcome.

    Attributes:
        name: The schedule's name.
        tick: When it was due, in UTC; the first of several.
        until: The last of several; `tick` when it is one.
        count: How many ticks it is about.
        outcome: `ran`, `caught_up`, `manual`, `skipped:…` or `missed:…`.
        at: When this was recorded.
        started: When the attempt began that ended it; None if there was none.
        late: Seconds from `tick` to `started`, by the server's clock.
        duration: Seconds that this attempt took.
        worker: The worker's id.
        error: Why it failed, was canceled or could not be asked; None if all went well.
        attempts: How many attempts there were.
        job: The job's key.
    """

    name: str
    tick: datetime
    until: datetime
    outcome: str
    at: datetime
    count: int = 1
    started: datetime | None = None
    late: float | None = None
    duration: float | None = None
    worker: str | None = None
    error: str | None = None
    attempts: int = 0
    job: str | None = None


def read_tick_record(name: str, line: bytes | str) -> TickRecord | None:
    """Read one line of a schedule's history; None when it is none.

    Example:
        >>> line = '{"tick":1772355600,"outcome":"skipped:paused","at":1772355600.1}'
        >>> record = read_tick_record("report", line)
        >>> record.tick.isoformat(), record.outcome
        ('2026-03-01T09:00:00+00:00', 'skipped:paused')
    """
    try:
        return _record(name, decode(line))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _record(name: str, found: dict[str, Any]) -> TickRecord:
    return TickRecord(
        name=name,
        tick=_moment(found["tick"]),
        until=_moment(found.get("until", found["tick"])),
        outcome=str(found["outcome"]),
        at=_moment(found["at"]),
        count=int(found.get("count", 1)),
        started=_moment(found["started"]) if "started" in found else None,
        late=found.get("late"),
        duration=found.get("duration"),
        worker=found.get("worker"),
        error=found.get("error"),
        attempts=int(found.get("attempts", 0)),
        job=found.get("job"),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
