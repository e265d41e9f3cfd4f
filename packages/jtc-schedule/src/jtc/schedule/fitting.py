"""Which options go with which schedule."""

from __future__ import annotations

from collections.abc import Iterable

from jtc.schedule.errors import InvalidTaskOption, InvalidTimezone
from jtc.schedule.options import NO_OPTIONS, TaskOptions
from jtc.schedule.possible_ticks import check_possible

_ONLY_FOR_CRON = ("timezone", "dst")
_ONLY_FOR_INTERVALS = ("phase",)
# The conditions that are read off a calendar or a clock, and so in some time zone.
_LOCAL = ("exclude", "between", "days")


def has_timezone(schedule: str | int, options: TaskOptions) -> bool:
    """Return whether anything of a task is read in a time zone."""
    said = (getattr(options, option) for option in _LOCAL)
    return isinstance(schedule, str) or any(said)


def check_fit(
    schedule: str | int, options: TaskOptions, written: Iterable[str]
) -> None:
    """Refuse options that do nothing, or the impossible, for a schedule.

    Args:
        schedule: A cron expression, or seconds.
        options: All of the task.
        written: The names of those that were written for it.

    Raises:
        InvalidTimezone: A zone was written, and nothing is read in it.
        InvalidTaskOption: An option is for the other kind of schedule, not below the
            interval, or leaves no tick that could run.
    """
    for option in written:
        is_said = getattr(options, option) != getattr(NO_OPTIONS, option)
        if is_said and not applies(option, schedule, options):
            raise _misplaced(option, getattr(options, option))
    if isinstance(schedule, int):
        _check_below(schedule, jitter=options.jitter, phase=options.phase)
    check_possible(schedule, options)


def applies(option: str, schedule: str | int, options: TaskOptions) -> bool:
    """Return whether an option does anything for a schedule."""
    if option == "timezone":
        return has_timezone(schedule, options)
    if isinstance(schedule, str):
        return option not in _ONLY_FOR_INTERVALS
    return option not in _ONLY_FOR_CRON


def _misplaced(option: str, value: object) -> InvalidTaskOption | InvalidTimezone:
    if option == "timezone":
        problem = (
            "only a cron expression has a time zone, or an interval with between=, "
            "days= or exclude="
        )
        return InvalidTimezone(value, problem)
    if option in _ONLY_FOR_CRON:
        problem = "only a cron expression follows the clocks; an interval does not"
        return InvalidTaskOption(option, value, problem)
    problem = "only an interval has a phase; write the minute into the expression"
    return InvalidTaskOption(option, value, problem)


def _check_below(interval: int, **seconds: float) -> None:
    for option, value in seconds.items():
        if value >= interval:
            problem = f"it has to be below the interval, {interval} s"
            raise InvalidTaskOption(option, value, problem)
