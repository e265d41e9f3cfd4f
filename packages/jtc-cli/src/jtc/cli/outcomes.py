from __future__ import annotations

from datetime import datetime
from typing import Any

from jtc.cli.durations import describe_age
from jtc.cli.times import format_for_programs
from jtc.queue import TickRecord


def describe_outcome(outcome: str) -> str:
    """Return an outcome as people say it.

    Example:
        >>> [describe_outcome(o) for o in ("caught_up", "missed:catchup_window")]
        ['caught up', 'missed: catchup window']
    """
    return outcome.replace(":", ": ").replace("_", " ")


def has_failed(record: TickRecord) -> bool:
    """Tell whether a tick was run in vain; a tick that was skipped was not run."""
    return record.error is not None and ":" not in record.outcome


def describe_record(record: TickRecord) -> str:
    """Return what became of a tick; of a run that failed, that it did."""
    text = describe_outcome(record.outcome)
    if not has_failed(record):
        return text
    return "failed" if record.outcome == "ran" else f"failed ({text})"


def describe_last(
    record: TickRecord | None, *, now: datetime, room: int | None = None
) -> str:
    """Return what became of the latest tick, and how long ago it ended.

    Args:
        record: What is known of it, if anything.
        now: An aware datetime.
        room: If it is longer, the age is in a second line.
    """
    if record is None:
        return ""
    # In a table there is no room to say of what kind a run was that failed.
    text = "failed" if has_failed(record) else describe_outcome(record.outcome)
    age = describe_age(record.at, now=now)
    fits = room is None or len(text) + 1 + len(age) <= room
    return f"{text} {age}" if fits else f"{text}\n{age}"


def record_as_json(record: TickRecord) -> dict[str, Any]:
    """Return all that is known of what became of a tick."""
    return {
        "tick": format_for_programs(record.tick),
        "until": format_for_programs(record.until),
        "count": record.count,
        "outcome": record.outcome,
        "recorded_at": format_for_programs(record.at),
        "started_at": record.started and format_for_programs(record.started),
        "late": record.late,
        "duration": record.duration,
        "worker": record.worker,
        "error": record.error,
        "attempts": record.attempts,
        "job": record.job,
    }
