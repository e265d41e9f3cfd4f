from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from jtc.jobs.pydantic_model import is_model_class


def is_same(sent: Any, got: Any) -> bool:
    """Compare two values by content, where `==` of a class may compare by identity.

    Example:
        >>> is_same({"size": 1}, {"size": 1.0})
        True
        >>> is_same((1, 2), [1, 2])
        False
    """
    if type(sent) is not type(got):
        return bool(sent == got)
    if isinstance(sent, dt.datetime | dt.time):
        return _clock(sent) == _clock(got)
    if isinstance(sent, dict):
        return sent.keys() == got.keys() and all(
            is_same(value, got[key]) for key, value in sent.items()
        )
    if isinstance(sent, list | tuple):
        return len(sent) == len(got) and all(map(is_same, sent, got))
    if names := _field_names(sent):
        return all(is_same(getattr(sent, n), getattr(got, n)) for n in names)
    return bool(sent == got)


def _clock(value: dt.datetime | dt.time) -> tuple[Any, ...]:
    # Inside the hour that autumn repeats, == finds no time of a zone equal to another;
    # and it takes a time of day for a naive one when its zone needs a date.
    return value.replace(tzinfo=None), value.utcoffset(), value.tzinfo is None


def _field_names(value: object) -> tuple[str, ...]:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    if is_model_class(type(value)):
        return ("__dict__", "__pydantic_extra__", "__pydantic_private__")
    return tuple(getattr(value, "__struct_fields__", ()))
