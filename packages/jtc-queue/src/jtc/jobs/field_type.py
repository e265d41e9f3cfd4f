from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from jtc.jobs.errors import InvalidDeclaration
from jtc.jobs.pydantic_model import is_model_class, is_too_old

_KEYS = (
    inspect.AnyType,
    inspect.StrType,
    inspect.IntType,
    inspect.FloatType,
    inspect.DecimalType,
    inspect.UUIDType,
    inspect.BytesType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
    inspect.EnumType,
)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What the type of a payload field can hold.

    Attributes:
        models: The classes of pydantic models, which write and read themselves.
        has_times: Times of day, which `==` compares without their zone.
        has_plain_numbers: Enums of whole numbers that are no `IntEnum`: msgspec reads
            them from JSON, and does not know a member where it is given one.
    """

    models: tuple[type[Any], ...]
    has_times: bool
    has_plain_numbers: bool


def read_field_type(job: str, name: str, hint: Any) -> FieldType:
    """Look into the type of a field of the class `job`.

    Raises:
        InvalidDeclaration: A part of it cannot be carried as JSON exactly; it says
            which one, and why.
    """
    try:
        msgspec.json.Decoder(hint)
        parts = list(_walk(inspect.type_info(hint), name, set()))
    except Exception as error:
        why = f"its type cannot be carried as JSON ({error})"
        raise InvalidDeclaration(job, name, why) from error
    for place, part in parts:
        if (flaw := _flaw_in(part)) is not None:
            raise InvalidDeclaration(job, place, flaw)
    return FieldType(
        models=tuple(p.cls for _, p in parts if isinstance(p, inspect.CustomType)),
        has_times=any(isinstance(part, inspect.TimeType) for _, part in parts),
        has_plain_numbers=any(_is_plain_number(part) for _, part in parts),
    )


def _walk(
    node: inspect.Type, place: str, seen: set[int]
) -> Iterator[tuple[str, inspect.Type]]:
    if id(node) in seen:
        return  # a type that contains itself
    seen.add(id(node))
    yield place, node
    for inner_place, inner in _children(node, place):
        yield from _walk(inner, inner_place, seen)


def _children(node: inspect.Type, place: str) -> Iterator[tuple[str, inspect.Type]]:
    for attribute in node.__struct_fields__:
        value = getattr(node, attribute)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, inspect.Field):
                yield f"{place}.{child.name}", child.type
            elif isinstance(child, inspect.Type):
                yield place, child


def _flaw_in(part: inspect.Type) -> str | None:
    if isinstance(part, inspect.DictType):
        return _flaw_in_key(part.key_type)
    if isinstance(part, inspect.RawType | inspect.ExtType):
        return "msgspec's Raw and Ext cannot be carried as JSON exactly: use bytes"
    if not isinstance(part, inspect.CustomType) or part.cls is object:
        return None
    if not is_model_class(part.cls):
        return (
            f"its type cannot be carried as JSON: nobody knows how to write and read "
            f"{part.cls.__qualname__}; use a dataclass, a msgspec Struct, a pydantic "
            "model, or a plain type such as str, list or dict"
        )
    return "its pydantic model needs pydantic 2.11 or newer" if is_too_old() else None


def _flaw_in_key(key: inspect.Type) -> str | None:
    if isinstance(key, inspect.Metadata):
        return _flaw_in_key(key.type)
    if isinstance(key, inspect.LiteralType):
        # None and booleans: an int as a key is written and read as one.
        fits = all(type(value) in (str, int) for value in key.values)
    else:
        fits = isinstance(key, _KEYS)
    if fits:
        return None
    return (
        "the keys of its dict cannot be carried as JSON, where they are texts: declare "
        "keys of one type such as str, int, UUID, date or an Enum, or a list of pairs"
    )


def _is_plain_number(part: inspect.Type) -> bool:
    return (
        isinstance(part, inspect.EnumType)
        and not issubclass(part.cls, int)
        and any(isinstance(member.value, int) for member in _members(part.cls))
    )


def _members(kind: type[enum.Enum]) -> Iterator[enum.Enum]:
    return iter(kind.__members__.values())
