from __future__ import annotations

from datetime import datetime, tzinfo

from jtc.cli.times import format_moment
from jtc.queue import Pause


def describe_pause(name: str, pause: Pause, *, now: datetime, zone: tzinfo) -> str:
    """Say since when something is paused, until when and why.

    Example:
        >>> from datetime import UTC
        >>> now = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
        >>> pause = Pause(datetime(2026, 3, 1, 9, tzinfo=UTC), "the bank is down")
        >>> describe_pause("mail", pause, now=now, zone=UTC)
        'Paused: mail, since 09:00:00: the bank is down'
    """
    until = pause.until
    end = f", until {format_moment(until, now=now, zone=zone)}" if until else ""
    note = f": {pause.note}" if pause.note else ""
    since = format_moment(pause.at, now=now, zone=zone)
    where = name.replace("\n", ", ")
    return f"Paused: {where}, since {since}{end}{note}"
