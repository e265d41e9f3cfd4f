from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.durations import describe_duration
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.outcomes import describe_record, has_failed, record_as_json
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.cli.table import print_table
from jtc.queue import TickRecord

COLUMNS = ("Tick", "Outcome", "Late", "Took", "Tries")
# More than any queue keeps of one schedule.
ALL = 1_000_000


def show_history(
    name: str,
    place: Place,
    *,
    apps: tuple[str, ...],
    only_failed: bool,
    count: int,
    zone: tzinfo,
    as_json: bool,
) -> None:
    """Print what became of the ticks of a schedule, the latest first.

    Raises:
        ScheduleNotFound: Nothing is called so.
        NoServer: No server answers.
    """

    async def look(opened: OpenSchedules) -> Sequence[TickRecord]:
        _, schedules = opened.of(name)
        return await schedules.history(name, limit=ALL if only_failed else count)

    records = ask_schedules(place, load_tasks(apps, place.queue), look)
    if only_failed:
        records = [record for record in records if has_failed(record)][:count]
    if as_json:
        print_json([record_as_json(record) for record in records])
    elif records:
        _print_records(name, records, zone)
    else:
        kind = "failed run" if only_failed else "tick"
        print_text(f"No {kind} of {name} is on record.")


def _print_records(name: str, records: Sequence[TickRecord], zone: tzinfo) -> None:
    rows = [_row(record, zone) for record in records]
    print_table(f"{name} (times in {zone})", COLUMNS, rows, foldable=("Outcome",))
    errors = [record for record in records if record.error is not None]
    # Not in the table: there is no room for a sentence in what is left of 80 columns.
    for record in errors:
        print_text(f"{_describe_moment(record.tick, zone)}  {record.error}")


def _row(record: TickRecord, zone: tzinfo) -> tuple[str, ...]:
    return (
        _describe_ticks(record, zone),
        _describe_outcome(record),
        "" if record.late is None else describe_duration(record.late),
        "" if record.duration is None else describe_duration(record.duration),
        str(record.attempts or ""),
    )


def _describe_outcome(record: TickRecord) -> str:
    text = describe_record(record)
    return text if record.count == 1 else f"{text}\n{record.count} ticks"


def _describe_ticks(record: TickRecord, zone: tzinfo) -> str:
    first = _describe_moment(record.tick, zone)
    if record.count == 1:
        return first
    return f"{first}\nto {_describe_moment(record.until, zone)}"


def _describe_moment(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
