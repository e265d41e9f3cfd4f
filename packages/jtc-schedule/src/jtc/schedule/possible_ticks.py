"""Which of a schedule's ticks can run, as far as it is known without a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise, product

from jtc.schedule.clock_time import is_between
from jtc.schedule.errors import InvalidTaskOption
from jtc.schedule.expression import expand_expression
from jtc.schedule.field import HOUR, MINUTE, SECOND, WEEKDAY, Field
from jtc.schedule.options import TaskOptions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WITH_SECONDS = 6
_DAY = 24 * 3600


def check_possible(schedule: str | int, options: TaskOptions) -> None:
    """Refuse options that rule out every tick of a schedule.

    Args:
        schedule: A cron expression that is well-formed, or seconds.
        options: All of the task.

    Raises:
        InvalidTaskOption: No tick of an interval is from `starts_at` to `ends_at`, no
            time of an expression is `between`, none of its weekdays is in `days`, or a
            success is expected within less than there is between two ticks.

    Example:
        >>> check_possible("0 3 * * *", TaskOptions(between=("22:00", "06:00")))
        >>> check_possible("0 3 * * *", TaskOptions(between=("08:00", "18:00")))
        ... # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        jtc.schedule.errors.InvalidTaskOption: Option between=...
    """
    _check_expectation(schedule, options)
    if isinstance(schedule, int):
        _check_life(schedule, options)
        return
    if options.between is not None and not _has_time(schedule, options.between):
        first, last = options.between
        problem = (
            f"no tick of {schedule!r} is then, so that it would never run; let it run "
            "at a time within, or leave between= out"
        )
        raise InvalidTaskOption("between", (str(first), str(last)), problem)
    if options.days is not None and not options.days & _weekdays(schedule):
        problem = (
            f"no tick of {schedule!r} is on such a day (0 is Sunday), so that it would "
            "never run; leave days= out, or let the schedule name the days"
        )
        raise InvalidTaskOption("days", sorted(options.days), problem)


def _check_expectation(schedule: str | int, options: TaskOptions) -> None:
    gap = schedule if isinstance(schedule, int) else _shortest_gap(schedule)
    if options.expect_within is not None and options.expect_within <= gap:
        problem = (
            f"two ticks of {schedule!r} are at least {gap} s apart, so that it would "
            "be overdue after each success; add the time that a run takes, and more"
        )
        raise InvalidTaskOption("expect_within", options.expect_within, problem)


def _shortest_gap(expression: str) -> int:
    """Return seconds that are between any two ticks, but where the clocks change."""
    seconds, minutes, hours, *_ = _texts(expression)
    clock = ((SECOND, seconds, 1), (MINUTE, minutes, 60), (HOUR, hours, 3600))
    for (field, text, unit), cycle in zip(clock, (60, 60, 24), strict=True):
        numbers = sorted(_numbers(field, text))
        if len(numbers) > 1:
            turn = [*numbers, numbers[0] + cycle]
            return unit * min(later - number for number, later in pairwise(turn))
    return _DAY


def _check_life(interval: int, options: TaskOptions) -> None:
    starts_at, ends_at = options.starts_at, options.ends_at
    if starts_at is None or ends_at is None:
        return
    step, origin = timedelta(seconds=interval), _EPOCH + timedelta(0, options.phase)
    last = origin + (ends_at - origin) // step * step
    if last < starts_at:
        problem = (
            f"no tick is from starts_at={starts_at.isoformat()} until then: ticks are "
            f"the multiples of {interval} s since 1970, moved by phase=, and the "
            f"next is at {(last + step).isoformat()}; end later, or begin earlier"
        )
        raise InvalidTaskOption("ends_at", ends_at.isoformat(), problem)


def _has_time(expression: str, between: tuple[time, time]) -> bool:
    seconds, minutes, hours, *_ = _texts(expression)
    first = between[0]
    # The first tick after the beginning is one of these, if need be the next day.
    clock = product(
        _near(first.hour, _numbers(HOUR, hours)),
        _near(first.minute, _numbers(MINUTE, minutes)),
        _near(first.second, _numbers(SECOND, seconds)),
    )
    return any(is_between(time(h, m, s), *between) for h, m, s in clock)


def _near(start: int, numbers: list[int]) -> list[int]:
    return [min(numbers), *sorted(n for n in numbers if n >= start)[:2]]


def _weekdays(expression: str) -> set[int]:
    """Return the days of the week on which there may be ticks; 0 is Sunday."""
    *_, days, _months, weekdays = _texts(expression)
    if not (days.startswith("*") or weekdays.startswith("*")):
        # Either of the two fields is enough, and dates are on any day.
        return set(range(7))
    return {day % 7 for day in _numbers(WEEKDAY, weekdays)}


def _texts(expression: str) -> list[str]:
    texts = expand_expression(expression).split()
    return texts if len(texts) == _WITH_SECONDS else ["0", *texts]


def _numbers(field: Field, text: str) -> list[int]:
    """Return what a field without `L` names; of the nth Friday, that it is one."""
    items = set().union(*(field.parse(term) for term in text.split(",")))
    return [int(item[0] if isinstance(item, tuple) else item) for item in items]
