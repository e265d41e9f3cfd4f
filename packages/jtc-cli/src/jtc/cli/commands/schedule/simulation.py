from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any

from jtc.cli.absence import describe_absence
from jtc.cli.declared_tasks import DeclaredTasks, load_tasks
from jtc.cli.icalendar import CalendarEvent, write_calendar
from jtc.cli.outcomes import describe_outcome
from jtc.cli.output import print_bytes, print_json, print_text, say
from jtc.cli.times import format_day_and_time, format_for_programs
from jtc.queue import SimulatedTick, simulate

DUE = "due"


class Form(Enum):
    """How ticks are written."""

    TEXT = "text"
    JSON = "json"
    ICS = "ics"


def show_simulation(
    names: Sequence[str] | None,
    start: datetime,
    end: datetime,
    *,
    apps: tuple[str, ...],
    zone: tzinfo,
    form: Form,
) -> None:
    """Print the ticks of tasks that the modules declare.

    Args:
        names: The tasks; all unless given.
        start: The first moment, aware.
        end: The last moment, aware.
        apps: Modules, files or folders; found as a worker does if there are none.
        zone: In which times are shown to people.
        form: How they are written.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
        NotInModules: A task is named that no module declares.
    """
    declared = load_tasks(apps)
    tasks = [declared.require(name) for name in names] if names else declared.tasks
    ticks = simulate(tasks, start, end, environment=declared.environment)
    if form is Form.JSON:
        print_json([_as_json(tick) for tick in ticks])
    elif form is Form.ICS:
        for line in write_calendar(_events(ticks, declared), now=datetime.now(UTC)):
            print_bytes(line.encode())
    elif declared.tasks:
        _print_ticks(ticks, zone)
    else:
        print_text(describe_absence(declared.discovery))


def _print_ticks(ticks: Iterable[SimulatedTick], zone: tzinfo) -> None:
    count = skipped = 0
    for tick in ticks:
        count += 1
        line = f"{format_day_and_time(tick.fires, zone=zone)}  {tick.task}"
        if tick.outcome != DUE:
            skipped += 1
            line += f"  {describe_outcome(tick.outcome)}"
        print_text(line)
    say(f"{count} tick(s), {skipped} of them skipped.")


def _as_json(tick: SimulatedTick) -> dict[str, Any]:
    return {
        "task": tick.task,
        "tick": format_for_programs(tick.tick),
        "fires": format_for_programs(tick.fires),
        "outcome": tick.outcome,
    }


def _events(
    ticks: Iterable[SimulatedTick], declared: DeclaredTasks
) -> Iterator[CalendarEvent]:
    tasks = {task.name: task for task in declared.tasks}
    for tick in ticks:
        if tick.outcome != DUE:
            continue
        task = tasks[tick.task]
        # Two projects may have a task of one name, and one calendar may show both.
        module = getattr(task.func, "__module__", "")
        identity = (declared.queue_of(task), module, task.name, tick.tick.isoformat())
        yield CalendarEvent(
            "\n".join(identity), task.name, tick.fires, task.description
        )
