from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from jtc.cli.absence import describe_absence
from jtc.cli.declared_tasks import load_tasks
from jtc.cli.durations import describe_wait
from jtc.cli.json_form import json_form
from jtc.cli.outcomes import describe_last, record_as_json
from jtc.cli.output import print_json, print_text, say
from jtc.cli.pauses import describe_pause
from jtc.cli.place import Place
from jtc.cli.schedule_view import view_schedules
from jtc.cli.table import fits, print_table
from jtc.cli.times import format_for_programs, format_moment
from jtc.cli.written_schedule import write_schedule
from jtc.queue import ScheduleStatus

COLUMNS = ("Name", "Schedule", "Next due", "Time", "Last outcome")
FOLDABLE = ("Last outcome", "Schedule", "Name")
# As wide as the last column is at least.
NARROW = 12


def show_schedules(
    place: Place,
    *,
    apps: tuple[str, ...],
    soonest: int | None,
    zone: tzinfo,
    as_json: bool,
) -> None:
    """Print the schedules of the modules and of the server, if there is one.

    Args:
        place: Which queue, and where.
        apps: Modules, files or folders; found as a worker does if there are none.
        soonest: How many of those that are due next; all unless given.
        zone: In which times are shown.
        as_json: Whether a program reads it.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
        QueueError: A setting is unfit.
    """
    declared = load_tasks(apps, place.queue)
    now = datetime.now(UTC)
    view = view_schedules(place, declared, now=now)
    statuses = _choose(view.statuses, soonest)
    if as_json:
        print_json([_as_json(status) for status in statuses])
    elif statuses:
        _print_statuses(statuses, queue=declared.queue, now=now, zone=zone)
    else:
        print_text(describe_absence(declared.discovery))
    if view.why_not:
        say(
            f"{view.why_not}\nSo this is what the modules declare; outcomes, pauses "
            "and schedules made at run time are not shown."
        )


def _choose(
    statuses: Sequence[ScheduleStatus], soonest: int | None
) -> Sequence[ScheduleStatus]:
    if soonest is None:
        return statuses
    due = [
        (status.next_due, index, status)
        for index, status in enumerate(statuses)
        if status.next_due and not status.paused
    ]
    return [status for _, _, status in sorted(due)[:soonest]]


def _print_statuses(
    statuses: Sequence[ScheduleStatus], *, queue: str, now: datetime, zone: tzinfo
) -> None:
    names = _name_all(statuses, queue)
    named = list(zip(names, statuses, strict=True))
    rows = [_row(name, status, now, zone) for name, status in named]
    if not fits(COLUMNS, rows, foldable=()):
        rows = [_row(name, status, now, zone, room=NARROW) for name, status in named]
    print_table(f"Schedules (times in {zone})", COLUMNS, rows, foldable=FOLDABLE)
    for name, status in named:
        if status.paused:
            print_text(describe_pause(name, status.paused, now=now, zone=zone))
    print_text(f"\nTotal: {len(statuses)} schedule(s)")


def _name_all(statuses: Sequence[ScheduleStatus], queue: str) -> list[str]:
    """Return names; below one that does not say it all, the queue it is in."""
    counts = Counter(status.name for status in statuses)
    return [
        f"{status.name}\nqueue {status.queue}"
        if counts[status.name] > 1 or status.queue != queue
        else status.name
        for status in statuses
    ]


def _row(
    name: str,
    status: ScheduleStatus,
    now: datetime,
    zone: tzinfo,
    *,
    room: int | None = None,
) -> tuple[str, ...]:
    due = None if status.paused else status.next_due
    return (
        name,
        write_schedule(status.schedule, status.timezone),
        _describe_due(status, now),
        "" if due is None else format_moment(due, now=now, zone=zone),
        describe_last(status.last, now=now, room=room),
    )


def _describe_due(status: ScheduleStatus, now: datetime) -> str:
    if not status.enabled:
        return "disabled"
    if status.paused:
        return "paused"
    return describe_wait(status.next_due, now=now) if status.next_due else "never"


def _as_json(status: ScheduleStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "schedule": status.schedule,
        "type": "cron" if isinstance(status.schedule, str) else "interval",
        "description": status.description,
        "timezone": status.timezone,
        "queue": status.queue,
        "target": {"kind": status.target.kind, "name": status.target.name},
        "in_code": status.in_code,
        "enabled": status.enabled,
        "next_due": _moment(status.next_due),
        "paused": json_form(status.paused),
        "last": status.last and record_as_json(status.last),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_for_programs(moment)
