from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo

from jtc.cli.declared_tasks import load_tasks
from jtc.cli.errors import SchedulesNotFound
from jtc.cli.open_schedules import OpenSchedules, ask_schedules
from jtc.cli.output import say
from jtc.cli.place import Place
from jtc.cli.times import format_day_and_time
from jtc.queue import ScheduleNotFound, Schedules, ScheduleStatus

Step = Callable[[Schedules, str], Awaitable[str]]
Filter = Callable[[ScheduleStatus], bool]


def pause_schedules(
    names: Sequence[str] | None,
    place: Place,
    *,
    apps: tuple[str, ...],
    note: str,
    until: datetime | None,
    zone: tzinfo,
) -> None:
    """Pause schedules, or all of them.

    Raises:
        SchedulesNotFound: Some are unknown; the others were paused.
        NoServer: No server answers.
    """
    end = f" until {format_day_and_time(until, zone=zone)}" if until else ""

    async def pause(schedules: Schedules, name: str) -> str:
        await schedules.pause(name, note=note, until=until)
        return f"Paused {name}{end}."

    if names is None:
        none = "There are no schedules."
        _for_all(place, apps, pause, fits=lambda _: True, none=none)
    else:
        _for_some(names, place, apps, pause)


def resume_schedules(
    names: Sequence[str] | None, place: Place, *, apps: tuple[str, ...]
) -> None:
    """Resume schedules, or all of them.

    Raises:
        SchedulesNotFound: Some are unknown; the others were resumed.
        NoServer: No server answers.
    """

    async def resume(schedules: Schedules, name: str) -> str:
        was_paused = await schedules.resume(name)
        return f"Resumed {name}." if was_paused else f"{name} was not paused."

    if names is None:
        none = "Nothing was paused."
        _for_all(place, apps, resume, fits=lambda one: bool(one.paused), none=none)
    else:
        _for_some(names, place, apps, resume)


def _for_some(
    names: Sequence[str], place: Place, apps: tuple[str, ...], step: Step
) -> None:
    async def do(opened: OpenSchedules) -> list[ScheduleNotFound]:
        pairs = [(opened.of(name)[1], name) for name in dict.fromkeys(names)]
        return [error for pair in pairs if (error := await _do_one(*pair, step))]

    if errors := ask_schedules(place, load_tasks(apps, place.queue), do):
        raise SchedulesNotFound(errors)


def _for_all(
    place: Place, apps: tuple[str, ...], step: Step, *, fits: Filter, none: str
) -> None:
    declared = load_tasks(apps, place.queue)
    if not ask_schedules(place, declared, lambda opened: _do_all(opened, step, fits)):
        say(none)


async def _do_all(opened: OpenSchedules, step: Step, fits: Filter) -> int:
    count = 0
    for _, schedules in opened.all():
        for status in filter(fits, await schedules.list()):
            # One that was removed in the meantime needs nothing.
            count += await _do_one(schedules, status.name, step) is None
    return count


async def _do_one(
    schedules: Schedules, name: str, step: Step
) -> ScheduleNotFound | None:
    try:
        say(await step(schedules, name))
    except ScheduleNotFound as error:
        return error
    return None
