from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from redis.exceptions import RedisError

from jtc.cli.declared_tasks import DeclaredTasks, load_tasks
from jtc.cli.end_of_ticks import describe_end_of_ticks
from jtc.cli.errors import CliError, NoServer, NotDeclared, ServerRefused
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.opening import GLANCE, open_queue
from jtc.cli.output import print_json, print_text
from jtc.cli.place import Place
from jtc.cli.times import format_for_programs
from jtc.cli.upcoming_times import describe_times, next_times
from jtc.queue import QueueError, ScheduleNotFound, ScheduleStatus
from jtc.schedule import ScheduledTask


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
    task, times = _find(name, place, declared, count=count, now=now)
    if as_json:
        print_json(
            {"name": name, "next": [format_for_programs(time) for time in times]}
        )
        return
    for line in describe_times(times, now=now, zone=zone):
        print_text(line)
    if len(times) < count:
        environment = declared.environment
        print_text(describe_end_of_ticks(task, times, now=now, environment=environment))


def _find(
    name: str, place: Place, declared: DeclaredTasks, *, count: int, now: datetime
) -> tuple[ScheduledTask, Sequence[datetime]]:
    if task := declared.get(name):
        if (limit := task.options.max_runs) is not None:
            times = _ask_how_many_are_left(task, place, declared, count)
            if times is not None:
                return task, times
            count = min(count, limit)
        environment = declared.environment
        return task, next_times(task, now, count=count, environment=environment)
    try:
        return ask_schedules(place, declared, lambda opened: _look(opened, name, count))
    except (NoServer, ServerRefused) as error:
        raise NotDeclared(name, [task.name for task in declared.tasks], error) from None


def _ask_how_many_are_left(
    task: ScheduledTask, place: Place, declared: DeclaredTasks, count: int
) -> Sequence[datetime] | None:
    """Return the times by what the server has counted; None if it cannot tell."""

    async def ask() -> Sequence[datetime]:
        async with asyncio.timeout(GLANCE), open_queue(place) as queue:
            _, schedules = OpenSchedules(queue, declared).of(task.name)
            return await schedules.next_runs(task.name, count)

    try:
        return asyncio.run(ask())
    except (CliError, QueueError, RedisError, OSError):
        return None


async def _look(
    opened: OpenSchedules, name: str, count: int
) -> tuple[ScheduledTask, Sequence[datetime]]:
    queue, schedules = opened.of(name)
    times = await schedules.next_runs(name, count)
    status = await schedules.get(name)
    if status is None:
        # Somebody has removed it in the meantime.
        raise ScheduleNotFound(name, queue=queue)
    return _as_task(status), times


def _as_task(status: ScheduleStatus) -> ScheduledTask:
    def run(ctx: object, **payload: object) -> None:
        """Stand for what is in another process."""

    return ScheduledTask(run, status.schedule, status.name, options=status.options)
