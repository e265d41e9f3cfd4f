from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jtc.queue.busy_limits import (
    DEFAULT_BUSY_JOBS,
    DEFAULT_BUSY_SECONDS,
    BusyLimits,
)
from jtc.queue.client import mask_url
from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidSetting, UnknownSetting, UnreadableSettings
from jtc.queue.queue_order import QueueOrder
from jtc.schedule import InvalidTimezone
from jtc.schedule.zone import zone_name

DEFAULT_REDIS_URL = "redis://localhost:6379"
DEFAULT_QUEUE_NAME = "default"
DEFAULT_CONCURRENCY = 10
DEFAULT_TIMEZONE = "UTC"
DEFAULT_HISTORY = 100
DEFAULT_GRACE = 30.0
_KEYS = (
    "redis_url",
    "queue",
    "concurrency",
    "modules",
    "timezone",
    "environment",
    "history",
    "grace",
    "busy_jobs",
    "busy_seconds",
)
_DURATION = "a number of seconds from 0"

_NUMBERS = {
    "concurrency": "QUEUE_CONCURRENCY",
    "history": "JTC_HISTORY",
    "busy_jobs": "QUEUE_BUSY_JOBS",
}
_DURATIONS = {
    "grace": ("QUEUE_GRACE", DEFAULT_GRACE),
    "busy_seconds": ("QUEUE_BUSY_SECONDS", DEFAULT_BUSY_SECONDS),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process needs to know to reach its queue and to read its schedules.

    Attributes:
        redis_url: Where the server is.
        queue_name: The queue, or several as `QueueOrder` reads them.
        concurrency: How many jobs a worker runs at once.
        modules: What to import to find tasks and jobs.
        timezone: The IANA name of the zone in which a schedule is read that names none.
        environment: Where this is, as the `environments` of a task call it.
        history: How many records of a schedule are kept.
        grace: Seconds that running jobs get to end when a worker stops.
        busy_jobs: How many jobs wait in a queue that is busy.
        busy_seconds: For how long the next job waits in a queue that is busy.
    """

    redis_url: str = field(default=DEFAULT_REDIS_URL, repr=False)
    queue_name: str = DEFAULT_QUEUE_NAME
    concurrency: int = DEFAULT_CONCURRENCY
    modules: tuple[str, ...] = ()
    timezone: str = DEFAULT_TIMEZONE
    environment: str | None = None
    history: int = DEFAULT_HISTORY
    grace: float = DEFAULT_GRACE
    busy_jobs: int = DEFAULT_BUSY_JOBS
    busy_seconds: float = DEFAULT_BUSY_SECONDS

    @property
    def busy_limits(self) -> BusyLimits:
        """From when on a queue is busy."""
        return BusyLimits(self.busy_jobs, self.busy_seconds)

    @property
    def queues(self) -> QueueOrder:
        """The queues and their order.

        Raises:
            InvalidQueueName: One of them would not be safe inside a key.
            InvalidQueueOrder: They are named in a way that says no order.
        """
        return _read_order(self.queue_name)


def load_settings(
    *,
    redis_url: str | None = None,
    queue_name: str | None = None,
    concurrency: int | None = None,
    modules: tuple[str, ...] = (),
    timezone: str | None = None,
    environment: str | None = None,
    history: int | None = None,
    grace: float | None = None,
    busy_jobs: int | None = None,
    busy_seconds: float | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Settle each value: argument, then environment, then pyproject.toml, then default.

    Args:
        redis_url: Overrides `REDIS_URL` and `redis_url` in `[tool.jtc]`.
        queue_name: Overrides `QUEUE_NAME` and `queue`.
        concurrency: Overrides `QUEUE_CONCURRENCY` and `concurrency`.
        modules: Overrides `JTC_MODULES` (comma-separated) and `modules`.
        timezone: Overrides `JTC_TIMEZONE` and `timezone`.
        environment: Overrides `JTC_ENV` and `environment`.
        history: Overrides `JTC_HISTORY` and `history`.
        grace: Overrides `QUEUE_GRACE` and `grace`.
        busy_jobs: Overrides `QUEUE_BUSY_JOBS` and `busy_jobs`.
        busy_seconds: Overrides `QUEUE_BUSY_SECONDS` and `busy_seconds`.
        environ: The environment; that of the process unless given.
        directory: Where to look for `pyproject.toml`, upwards; the working
            directory unless given.

    Raises:
        SettingsError: A value has the wrong form; the message names its source.

    Example:
        >>> load_settings(environ={"QUEUE_CONCURRENCY": "4"}).concurrency
        4
    """
    env = os.environ if environ is None else environ
    table = _read_tool_table(directory or Path.cwd())
    return Settings(
        redis_url=redis_url
        or env.get("REDIS_URL")
        or _text(table, "redis_url")
        or DEFAULT_REDIS_URL,
        queue_name=queue_name
        or env.get("QUEUE_NAME")
        or _text(table, "queue")
        or DEFAULT_QUEUE_NAME,
        concurrency=_number(concurrency, "concurrency", env, table)
        or DEFAULT_CONCURRENCY,
        modules=modules or _modules_in(env) or _modules_of(table),
        timezone=_timezone(timezone, env, table),
        environment=environment or env.get("JTC_ENV") or _text(table, "environment"),
        history=_number(history, "history", env, table) or DEFAULT_HISTORY,
        grace=_duration(grace, "grace", env, table),
        busy_jobs=_number(busy_jobs, "busy_jobs", env, table) or DEFAULT_BUSY_JOBS,
        busy_seconds=_duration(busy_seconds, "busy_seconds", env, table),
    )


# A dispatch asks for it.
@lru_cache(maxsize=16)
def _read_order(text: str) -> QueueOrder:
    return QueueOrder.parse(text)


def _number(
    given: int | None, key: str, env: Mapping[str, str], table: Mapping[str, Any]
) -> int | None:
    if given is not None:
        return _positive(given, key)
    variable = _NUMBERS[key]
    if text := env.get(variable):
        if not text.strip().isdecimal():
            raise InvalidSetting(variable, text, "a whole number from 1")
        return _positive(int(text), variable)
    return _positive(table[key], f"[tool.jtc] {key}") if key in table else None


def _timezone(
    given: str | None, env: Mapping[str, str], table: Mapping[str, Any]
) -> str:
    sources = {
        "timezone": given,
        "JTC_TIMEZONE": env.get("JTC_TIMEZONE"),
        "[tool.jtc] timezone": _text(table, "timezone"),
    }
    for source, name in sources.items():
        if name:
            return _zone(name, source)
    return DEFAULT_TIMEZONE


def _zone(name: str, source: str) -> str:
    try:
        return zone_name(name)
    except InvalidTimezone as error:
        allowed = "an IANA name such as 'Europe/Lisbon'"
        raise InvalidSetting(source, name, allowed) from error


def _duration(
    given: float | None, key: str, env: Mapping[str, str], table: Mapping[str, Any]
) -> float:
    if given is not None:
        return _seconds(given, key)
    variable, default = _DURATIONS[key]
    if text := env.get(variable):
        try:
            return _seconds(float(text), variable)
        except ValueError:
            raise InvalidSetting(variable, text, _DURATION) from None
    return _seconds(table.get(key, default), f"[tool.jtc] {key}")


def _seconds(value: object, source: str) -> float:
    seconds = as_seconds(value)
    if seconds is None:
        raise InvalidSetting(source, value, _DURATION)
    return seconds


def _positive(value: object, source: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidSetting(source, value, "a whole number from 1")
    return value


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        # It may be a list of URLs with passwords.
        shown = mask_url(str(value)) if "://" in str(value) else value
        raise InvalidSetting(f"[tool.jtc] {key}", shown, "a string")
    return value


def _modules_in(env: Mapping[str, str]) -> tuple[str, ...]:
    names = env.get("JTC_MODULES", "").split(",")
    return tuple(name.strip() for name in names if name.strip())


def _modules_of(table: Mapping[str, Any]) -> tuple[str, ...]:
    value = table.get("modules", [])
    if not isinstance(value, list) or not all(isinstance(m, str) for m in value):
        raise InvalidSetting("[tool.jtc] modules", value, "a list of strings")
    return tuple(value)


def _read_tool_table(directory: Path) -> Mapping[str, Any]:
    for folder in (directory, *directory.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _tool_table(path)
    return {}


def _tool_table(path: Path) -> Mapping[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableSettings(path, str(error)) from error
    table: dict[str, Any] = document
    for name in ("tool", "jtc"):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise InvalidSetting(f"{path} [tool.jtc]", table, "a table")
    for key in table:
        if key not in _KEYS:
            raise UnknownSetting(path, key, _KEYS)
    return table
