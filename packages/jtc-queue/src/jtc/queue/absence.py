from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jtc.schedule import ScheduledTask

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Absence:
    """Why the ticks of a task do not run that nobody was there for."""

    task: ScheduledTask
    now: datetime
    polled_since: datetime | None

    def outcome(self, fires: datetime) -> str:
        """Return the outcome of a tick that fired at a time."""
        catchup = self.task.options.catchup
        if catchup != "none" and fires < self.window_begins:
            return "missed:catchup_window"
        if catchup == "all":
            return "missed:catchup_limit"
        if self.polled_since is not None and fires > self.polled_since:
            return "missed:no_worker"
        return "missed:down"

    def turns(self) -> list[datetime]:
        """Return the times from which on the outcome is another one."""
        if self.polled_since is None:
            return [self.window_begins]
        return [self.window_begins, self.polled_since + _MICROSECOND]

    @property
    def window_begins(self) -> datetime:
        """The oldest time at which a tick may have fired that is still run."""
        return self.now - timedelta(seconds=self.task.options.catchup_window)
