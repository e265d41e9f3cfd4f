from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jtc.queue.schedule_status import ScheduleStatus
from jtc.queue.tick_record import TickRecord


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule as it stands, with what became of its latest ticks.

    Attributes:
        status: How it stands.
        strip: What became of its latest ticks, the newest first.
    """

    status: ScheduleStatus
    strip: Sequence[TickRecord]


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """Some of the schedules of a queue.

    Attributes:
        schedules: The schedules, in the order of their names.
        next: What to ask for the page behind this one with; None when it is the last.
        total: About how many there are, whatever was searched for.
        looked_at: How many names were looked at for this page.
    """

    schedules: Sequence[ScheduleRow]
    next: str | None
    total: int
    looked_at: int
