from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from jtc.cli.declared_tasks import DeclaredTasks, load_tasks
from jtc.cli.errors import NoServer, NotDeclared, ServerRefused
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.cli.times import format_for_programs
from jtc.cli.upcoming_times import describe_times, next_times


def show_next_times(
    name: str,
    place: Place,
    *,
    apps: tuple[str, ...],
    count: int,
    zone: tzinfo,
    as_json: bool,
) -> None:
    """Print when a schedule is due next.

    Raises:
        ScheduleNotFound: Nothing is called so.
        NotDeclared: No module declares it, and there is no server to ask.
    """
    declared = load_tasks(apps, place.queue)
    now = datetime.now(UTC)
    times = _find(name, place, declared, count=count, now=now)
    if as_json:
        print_json(
            {"name": name, "next": [format_for_programs(time) for time in times]}
        )
        return
    for line in describe_times(times, now=now, zone=zone):
        print_text(line)
    if len(times) < count:
        print_text(f"{name} has no more ticks.")


def _find(
    name: str, place: Place, declared: DeclaredTasks, *, count: int, now: datetime
) -> Sequence[datetime]:
    async def ask(opened: OpenSchedules) -> Sequence[datetime]:
        _, schedules = opened.of(name)
        return await schedules.next_runs(name, count)

    if task := declared.get(name):
        return next_times(task, now, count=count, environment=declared.environment)
    try:
        return ask_schedules(place, declared, ask)
    except (NoServer, ServerRefused) as error:
        raise NotDeclared(name, [task.name for task in declared.tasks], error) from None
