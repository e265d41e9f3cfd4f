from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from jtc.schedule.options import NO_OPTIONS

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_defaults: ContextVar[Mapping[str, Any]] = ContextVar("defaults", default=_NOTHING)


def group_defaults() -> Mapping[str, Any]:
    """Return the options that hold for what is declared here, by name."""
    return _defaults.get()


@contextmanager
def grouped(defaults: Mapping[str, Any]) -> Iterator[None]:
    """Let options hold, above those of an outer group, for what is declared inside.

    Raises:
        ScheduleError: An option is unknown, or its value can never work.
    """
    NO_OPTIONS.derive(defaults)
    token = _defaults.set({**_defaults.get(), **defaults})
    try:
        yield
    finally:
        _defaults.reset(token)
