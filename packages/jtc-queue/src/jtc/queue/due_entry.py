from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from jtc.queue.target import Target
from jtc.schedule import ScheduledTask


@dataclass(frozen=True, slots=True)
class DueEntry:
    """A schedule that is known here and whose time has come, as the server has it.

    Attributes:
        task: The schedule.
        target: What its ticks run; None for the task's own function.
        member: What it is called among those that are due.
        score: When it was due, in epoch seconds, as the server writes it.
    """

    task: ScheduledTask
    target: Target | None
    member: str
    score: bytes

    @property
    def fingerprint(self) -> str:
        """Which ticks the schedule has, see `ScheduledTask.fingerprint`."""
        mark, _, _ = self.member.partition(":")
        return self.task.fingerprint if mark == "*" else mark

    @property
    def due(self) -> datetime:
        """When it was due."""
        return moment(float(self.score))


@dataclass(frozen=True, slots=True)
class Due:
    """What the server says is due.

    Attributes:
        now: The server's clock, in epoch seconds.
        polled_since: Since when some worker has asked without a pause.
        asked_since: When this worker asked first.
        entries: What is due and known here.
        ahead: When something is due next, in epoch seconds; None when that is not
            known.
    """

    now: float
    polled_since: datetime
    asked_since: datetime
    entries: tuple[DueEntry, ...]
    ahead: float | None


def moment(seconds: float) -> datetime:
    """Return a time in epoch seconds, read to the millisecond, in UTC.

    Example:
        >>> moment(1772355600.0004).isoformat()
        '2026-03-01T09:00:00+00:00'
    """
    return datetime.fromtimestamp(round(seconds, 3), tz=UTC)
