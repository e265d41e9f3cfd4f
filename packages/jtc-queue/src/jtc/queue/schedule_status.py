from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jtc.queue.pause import Pause
from jtc.queue.target import Target
from jtc.queue.tick_record import TickRecord
from jtc.schedule import TaskOptions


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """A schedule as it stands at this moment.

    Attributes:
        name: What it is called in its queue.
        schedule: A cron expression, or an interval in seconds.
        description: One line for people, or "".
        options: By which policies it runs; of a schedule that is known from the queue
            only, without those that are code.
        target: What its ticks run.
        queue: The queue's name.
        next_due: When its next tick fires, in UTC; None when there are no more, or it
            is not enabled.
        last: What became of its latest tick; None when there was none in 30 days.
        paused: Since when and why it is paused; None when it is not.
        in_code: Whether it is a task in code; else it was made at run time.
    """

    name: str
    schedule: str | int
    description: str
    options: TaskOptions
    target: Target
    queue: str
    next_due: datetime | None
    last: TickRecord | None
    paused: Pause | None
    in_code: bool

    @property
    def timezone(self) -> str | None:
        """The IANA name of the zone in which it is read."""
        return self.options.timezone

    @property
    def enabled(self) -> bool:
        """Whether it is scheduled at all."""
        return self.options.enabled
