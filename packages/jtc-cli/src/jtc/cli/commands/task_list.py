from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from jtc.cli.absence import describe_absence
from jtc.cli.declared_tasks import load_tasks
from jtc.cli.due_task import DueTask
from jtc.cli.last_outcomes import read_last_outcomes
from jtc.cli.outcomes import describe_last, record_as_json
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.cli.table import fits, print_table
from jtc.queue import TickRecord

COLUMNS = ("Name", "Schedule", "Type", "Description", "Next due (UTC)")
LAST = "Last outcome"
DUE_AND_LAST = f"{COLUMNS[-1]}\n{LAST}"
FOLDABLE = ("Description", DUE_AND_LAST, "Name", "Schedule")

Row = tuple[str, ...]


def show_tasks(place: Place, apps: tuple[str, ...], *, as_json: bool) -> None:
    """Print the tasks of the modules that are found, as a table or as JSON.

    What became of them last is shown too if the server answers at once.

    Args:
        place: Which queue, and where.
        apps: Modules, files or folders; found as a worker does if there are none.
        as_json: Whether a program reads it.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
        SettingsError: A setting has the wrong form.
    """
    declared = load_tasks(apps, place.queue)
    now = datetime.now(UTC)
    tasks = [DueTask.at(task, now) for task in declared.meant]
    last = read_last_outcomes(place, declared) if tasks else {}
    if as_json:
        print_json([_as_json(task, last) for task in tasks])
    elif tasks:
        _print_tasks(tasks, last)
    else:
        print_text(describe_absence(declared.discovery))


def _as_json(task: DueTask, last: Mapping[str, TickRecord]) -> dict[str, object]:
    record = last.get(task.task.name)
    return {**task.as_json(), "last": record and record_as_json(record)}


def _print_tasks(tasks: Sequence[DueTask], last: Mapping[str, TickRecord]) -> None:
    columns, rows = _cells(tasks, last)
    print_table("Scheduled Tasks", columns, rows, foldable=FOLDABLE)
    print_text(f"\nTotal: {len(tasks)} task(s)")


def _cells(
    tasks: Sequence[DueTask], last: Mapping[str, TickRecord]
) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        (task.task.name, task.schedule, task.type, task.task.description, task.when)
        for task in tasks
    ]
    if not last:
        return COLUMNS, rows
    wide = _with_last(rows, tasks, last)
    if fits((*COLUMNS, LAST), wide, foldable=()):
        return (*COLUMNS, LAST), wide
    # In 80 columns there is room for it below the next time only.
    narrow = _with_last(rows, tasks, last, room=len(COLUMNS[-1]))
    return (*COLUMNS[:-1], DUE_AND_LAST), [_stacked(row) for row in narrow]


def _with_last(
    rows: Sequence[Row],
    tasks: Sequence[DueTask],
    last: Mapping[str, TickRecord],
    *,
    room: int | None = None,
) -> list[Row]:
    outcomes = [
        describe_last(last.get(task.task.name), now=task.now, room=room)
        for task in tasks
    ]
    return [(*row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]


def _stacked(row: Row) -> Row:
    *others, due, last = row
    return (*others, f"{due}\n{last}".rstrip())
