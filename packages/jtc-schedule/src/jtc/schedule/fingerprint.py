from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

from jtc.schedule.expression import expand_expression
from jtc.schedule.options import NO_OPTIONS, TaskOptions

_DIGITS = 12
_PLAIN = ("dst", "jitter", "phase")
_MOMENTS = ("starts_at", "ends_at")


def fingerprint_of(schedule: str | int, options: TaskOptions) -> str:
    """Return twelve hex digits that say which ticks a schedule has.

    What is not said leaves no trace, so that an option which comes with a later version
    changes none of the fingerprints that there are.
    """
    parts = [*_schedule_parts(schedule, options), *_option_parts(options)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:_DIGITS]


def _schedule_parts(schedule: str | int, options: TaskOptions) -> tuple[str, str]:
    if isinstance(schedule, int):
        # Its ticks are the same in every zone.
        return str(schedule), ""
    # None is UTC for a worker that was not told otherwise.
    zone = "" if options.timezone in (None, "UTC") else options.timezone
    return f"cron {expand_expression(schedule)}", zone or ""


def _option_parts(options: TaskOptions) -> Iterator[str]:
    for option in _PLAIN:
        value = getattr(options, option)
        if value != getattr(NO_OPTIONS, option):
            yield f"{option}={float(value) if option == 'jitter' else value}"
    for option in _MOMENTS:
        moment: datetime | None = getattr(options, option)
        if moment is not None:
            yield f"{option}={moment.astimezone(UTC).isoformat()}"
