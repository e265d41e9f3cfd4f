from __future__ import annotations

from datetime import UTC, datetime

from jtc.cli.discovery import Discovery, discover
from jtc.cli.due_task import DueTask
from jtc.cli.output import print_json, print_text
from jtc.cli.table import print_table
from jtc.schedule import ScheduleRegistry

COLUMNS = ("Name", "Schedule", "Type", "Description", "Next due (UTC)")
FOLDABLE = ("Description", "Name", "Schedule")


def show_tasks(apps: tuple[str, ...], *, as_json: bool) -> None:
    """Print the tasks of the modules that are found, as a table or as JSON.

    Args:
        apps: Modules, files or folders; found as a worker does if there are none.
        as_json: Whether a program reads it.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
    """
    discovery = discover(apps)
    now = datetime.now(UTC)
    tasks = [DueTask.at(task, now) for task in ScheduleRegistry.get_all()]
    if as_json:
        print_json([task.as_json() for task in tasks])
    elif tasks:
        _print_tasks(tasks)
    else:
        _print_absence(discovery)


def _print_tasks(tasks: list[DueTask]) -> None:
    rows = [
        (task.task.name, task.schedule, task.type, task.task.description, task.when)
        for task in tasks
    ]
    print_table("Scheduled Tasks", COLUMNS, rows, foldable=FOLDABLE)
    print_text(f"\nTotal: {len(tasks)} task(s)")


def _print_absence(discovery: Discovery) -> None:
    print_text("No scheduled tasks found. Looked at:")
    for place in discovery.places:
        print_text(f"  {place}")
