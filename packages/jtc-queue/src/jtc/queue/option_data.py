"""The options of a task as JSON, as far as they are data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from jtc.queue.exponential import Exponential
from jtc.schedule import Ping, TaskOptions

_DEFAULTS = {field.name: field.default for field in dataclasses.fields(TaskOptions)}


def write_options(options: TaskOptions) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what JSON carries of the options, and the names of those that are code.

    Options that have their default are left out. An `exclude` may be partly data; it
    is then in both. A `ping` counts as code, for its URLs are secrets.

    Example:
        >>> write_options(TaskOptions(tries=3, when=bool))
        ({'tries': 3}, ('when',))
    """
    data: dict[str, Any] = {}
    code: tuple[str, ...] = ()
    for name, default in _DEFAULTS.items():
        value = getattr(options, name)
        if value is default or (type(value) is type(default) and value == default):
            continue
        written, is_whole = _WRITERS.get(name, _write_plain)(value)
        if not is_whole:
            code = (*code, name)
        if written is not None:
            data[name] = written
    return data, code


def read_options(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a `ScheduledTask` from what `write_options` returned.

    Raises:
        ValueError: A value has not the form that it was written in.
        TypeError: As above.

    Example:
        >>> read_options({"tries": 3, "between": ["09:00:00", "17:30:00"]})
        {'tries': 3, 'between': (datetime.time(9, 0), datetime.time(17, 30))}
    """
    return {
        name: _READERS[name](value) if name in _READERS else value
        for name, value in data.items()
    }


Written = tuple[Any, bool]
"""What JSON carries of a value, or None; and whether that is all of it."""


def _write_plain(value: Any) -> Written:
    return (None, False) if callable(value) else (value, True)


def _write_moment(moment: datetime) -> Written:
    return moment.astimezone(UTC).isoformat(), True


def _write_ping(_: Ping) -> Written:
    # A secret: the queue is no place for it.
    return None, False


def _write_exclusions(exclusions: Sequence[Any]) -> Written:
    days = [[day.isoformat() for day in one] for one in exclusions if not callable(one)]
    return days or None, len(days) == len(exclusions)


def _write_times(times: Sequence[time]) -> Written:
    return [moment.isoformat() for moment in times], True


def _write_set(values: frozenset[Any]) -> Written:
    return sorted(values), True


def _write_backoff(backoff: Any) -> Written:
    if isinstance(backoff, Exponential):
        return dataclasses.asdict(backoff), True
    if isinstance(backoff, int | float):
        return backoff, True
    return (list(backoff), True) if isinstance(backoff, Sequence) else (None, False)


def _read_exclusions(exclusions: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(map(date.fromisoformat, days)) for days in exclusions)


def _read_backoff(backoff: Any) -> Any:
    if isinstance(backoff, dict):
        return Exponential(**backoff)
    return tuple(backoff) if isinstance(backoff, list) else backoff


_WRITERS: Mapping[str, Callable[[Any], Written]] = {
    "starts_at": _write_moment,
    "ends_at": _write_moment,
    "exclude": _write_exclusions,
    "between": _write_times,
    "days": _write_set,
    "environments": _write_set,
    "backoff": _write_backoff,
    "ping": _write_ping,
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "starts_at": datetime.fromisoformat,
    "ends_at": datetime.fromisoformat,
    "exclude": _read_exclusions,
    "between": lambda times: tuple(map(time.fromisoformat, times)),
    "days": frozenset,
    "environments": frozenset,
    "backoff": _read_backoff,
}
