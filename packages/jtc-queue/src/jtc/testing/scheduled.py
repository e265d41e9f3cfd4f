"""What a test may say of the times at which tasks are due; nothing is run for that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from jtc.queue import SimulatedTick, load_settings
from jtc.queue import simulate as simulate_tasks
from jtc.queue.ticks import ticks_after, ticks_before
from jtc.schedule import ScheduledTask, ScheduleRegistry
from jtc.testing.errors import UnknownTask
from jtc.testing.moments import read_moment

_MICROSECOND = timedelta(microseconds=1)


def simulate(
    start: str | datetime,
    end: str | datetime,
    *,
    tasks: Iterable[str | ScheduledTask] | None = None,
    timezone: str = "UTC",
    environment: str | None = None,
) -> list[SimulatedTick]:
    """Return the ticks from `start` to `end`, both included, in the order they fire.

    Args:
        start: An aware datetime, or a text as in "2026-03-02 08:00".
        end: The same.
        tasks: Tasks or their names; all that are registered unless given.
        timezone: In which `start` and `end` are read if they name no offset.
        environment: Where it would be, see `JTC_ENV`.

    Raises:
        UnknownTask: No task of that name is registered.
        NotAMoment: A text says no time.

    Example:
        >>> async def report(ctx): ...
        >>> task = ScheduledTask(report, "0 9 * * mon", timezone="Europe/Paris")
        >>> ticks = simulate("2026-03-01", "2026-03-08", tasks=[task])
        >>> [str(one.tick) for one in ticks]
        ['2026-03-02 08:00:00+00:00']
    """
    chosen = ScheduleRegistry.get_all() if tasks is None else map(_find, tasks)
    return list(
        simulate_tasks(
            [_in_its_zone(task) for task in chosen],
            read_moment(start, timezone),
            read_moment(end, timezone),
            environment=environment,
        )
    )


def assert_scheduled(
    task: str | ScheduledTask,
    *,
    at: str | datetime,
    timezone: str | None = None,
    environment: str | None = None,
) -> None:
    """Fail unless a task has a tick at just that time, and runs then.

    Args:
        task: A task or its name.
        at: An aware datetime, or a text as in "2026-03-02 08:00".
        timezone: In which `at` is read if it names no offset; the task's own unless
            given.
        environment: Where it would be, see `JTC_ENV`.

    Raises:
        AssertionError: It names the nearest ticks.
        UnknownTask: No task of that name is registered.
        NotAMoment: The text says no time.

    Example:
        >>> async def report(ctx): ...
        >>> task = ScheduledTask(report, "0 9 * * mon", timezone="Europe/Paris")
        >>> assert_scheduled(task, at="2026-03-02 09:00")
        >>> assert_scheduled(task, at="2026-03-02 08:00", timezone="UTC")
    """
    __tracebackhide__ = True
    found, moment = _look(task, at, timezone)
    outcome = _outcome(found, moment, environment)
    if outcome is None:
        raise AssertionError(
            f"Task '{found.name}' has no tick at {_shown(moment)}. "
            f"{_nearest(found, moment)}"
        )
    if outcome != "due":
        raise AssertionError(
            f"Task '{found.name}' has a tick at {_shown(moment)} that does not run: "
            f"{outcome}."
        )


def assert_not_scheduled(
    task: str | ScheduledTask,
    *,
    at: str | datetime,
    timezone: str | None = None,
    environment: str | None = None,
) -> None:
    """Fail if a task has a tick at just that time that runs; as `assert_scheduled`.

    Raises:
        AssertionError: It has.
        UnknownTask: No task of that name is registered.
        NotAMoment: The text says no time.
    """
    __tracebackhide__ = True
    found, moment = _look(task, at, timezone)
    if _outcome(found, moment, environment) == "due":
        raise AssertionError(
            f"Task '{found.name}' is due at {_shown(moment)}; its schedule is "
            f"{_schedule(found)}."
        )


def _find(task: str | ScheduledTask) -> ScheduledTask:
    if isinstance(task, ScheduledTask):
        return task
    found = ScheduleRegistry.get_task(task)
    if found is None:
        raise UnknownTask(task, [one.name for one in ScheduleRegistry.get_all()])
    return found


def _in_its_zone(task: ScheduledTask) -> ScheduledTask:
    return task.in_timezone(load_settings().timezone)


def _look(
    task: str | ScheduledTask,
    at: str | datetime,
    timezone: str | None,
) -> tuple[ScheduledTask, datetime]:
    found = _in_its_zone(_find(task))
    return found, read_moment(at, timezone or found.timezone or "UTC")


def _outcome(
    task: ScheduledTask, moment: datetime, environment: str | None
) -> str | None:
    found = simulate_tasks([task], moment, moment, environment=environment)
    return next((one.outcome for one in found), None)


def _nearest(task: ScheduledTask, moment: datetime) -> str:
    if not task.options.enabled:
        return "It is not enabled."
    before = list(islice(ticks_before(task, moment), 1))
    after = list(islice(ticks_after(task, moment - _MICROSECOND), 2))
    zone = moment.tzinfo
    near = [_shown(tick.astimezone(zone)) for tick in (*before, *after)]
    listed = ", ".join(near) or "none"
    return f"Its schedule is {_schedule(task)}; the nearest ticks: {listed}."


def _schedule(task: ScheduledTask) -> str:
    return (
        f"{task.schedule} s" if isinstance(task.schedule, int) else repr(task.schedule)
    )


def _shown(moment: datetime) -> str:
    zone = moment.tzinfo
    name = zone.key if isinstance(zone, ZoneInfo) else moment.tzname()
    clock = moment.replace(tzinfo=None)
    return f"{clock.isoformat(' ', 'auto' if clock.second else 'minutes')} {name}"
