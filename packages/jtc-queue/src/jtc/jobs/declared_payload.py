from __future__ import annotations

import copy
import datetime as dt
import difflib
import enum
import functools
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from jtc.jobs.declaration import DeclaredField, defaults_of, injected_parameters
from jtc.jobs.errors import InvalidDeclaration, InvalidPayload
from jtc.jobs.explanation import explain, short
from jtc.jobs.sameness import is_same

if TYPE_CHECKING:
    from jtc.jobs.job import Job

# What Python code passes as itself: a str is no datetime at dispatch, at run it is.
_NATIVE_TYPES = (
    bytes,
    bytearray,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    uuid.UUID,
    Decimal,
)
_IMMUTABLE = (str, int, float, type(None), enum.Enum, *_NATIVE_TYPES[2:], bytes)


class DeclaredPayload:
    """The payload of a class that declares its fields.

    Built once per class, so that a job costs one conversion by a compiled schema.
    """

    def __init__(
        self, job_class: type[Job], fields: Mapping[str, tuple[DeclaredField, Any]]
    ) -> None:
        self._job = job_class.__name__
        self._type_texts = {n: field.type_text for n, (field, _) in fields.items()}
        self._injected = injected_parameters(job_class)
        defaults = defaults_of(job_class, fields)
        self._required = frozenset(fields.keys() - defaults.keys())
        self._struct = self._build(
            {name: hint for name, (_, hint) in fields.items()}, defaults
        )

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values of the declared types and return their form in JSON.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type, or would not
                come back from JSON equal to what was given.
        """
        self._check_names(values)
        checked = self._convert(values, dict(values), builtin_types=_NATIVE_TYPES)
        data = self._to_json(values, checked)
        returned = self._convert(values, data, str_keys=True)
        if returned != checked:
            self._check_fidelity(values, checked, returned)
        return data

    def decode(self, data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check JSON and return values of the declared types, defaults included.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
        """
        if not isinstance(data, Mapping):
            why = f"the payload has to be an object with fields, it is {data!r}"
            raise InvalidPayload(self._job, "", why)
        if not self._type_texts.keys() >= data.keys() >= self._required:
            self._check_names(data)
        values = self._convert(data, data, str_keys=True)
        return [(name, getattr(values, name)) for name in self._type_texts]

    def _build(
        self, hints: Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> type[msgspec.Struct]:
        for name, hint in hints.items():
            try:
                msgspec.json.Decoder(hint)
            except TypeError as error:
                why = f"its type cannot be carried as JSON ({error})"
                raise InvalidDeclaration(self._job, name, why) from error
        return msgspec.defstruct(
            f"{self._job}Payload",
            [
                (name, hint, _default(defaults[name]))
                if name in defaults
                else (name, hint)
                for name, hint in hints.items()
            ],
            kw_only=True,
        )

    def _check_names(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name not in self._type_texts:
                raise InvalidPayload(self._job, str(name), self._why_unknown(name))
        for name in self._type_texts:
            if name in self._required and name not in values:
                why = f"missing; it has to be {self._type_texts[name]}"
                raise InvalidPayload(self._job, name, why)

    def _why_unknown(self, name: str) -> str:
        if name in self._injected:
            return "is a parameter of __init__, which takes services from the container"
        close = difflib.get_close_matches(str(name), self._type_texts, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"no such field.{hint} Declared: {', '.join(self._type_texts)}"

    def _convert(
        self, values: Mapping[str, Any], data: Mapping[str, Any], **options: Any
    ) -> msgspec.Struct:
        try:
            converted: msgspec.Struct = msgspec.convert(data, self._struct, **options)
        except msgspec.ValidationError as error:
            place, why = explain(str(error), values, self._type_texts)
            raise InvalidPayload(self._job, place, why) from None
        return converted

    def _to_json(
        self, values: Mapping[str, Any], checked: msgspec.Struct
    ) -> dict[str, Any]:
        given = {name: getattr(checked, name) for name in values}
        try:
            data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(given))
        except (TypeError, ValueError, RecursionError) as error:
            name = next((n for n in given if not _has_json(given[n])), "")
            why = f"{short(given.get(name))} cannot be carried as JSON ({error})"
            raise InvalidPayload(self._job, name, why) from error
        return data

    def _check_fidelity(
        self, values: Mapping[str, Any], sent: msgspec.Struct, got: msgspec.Struct
    ) -> None:
        for name in values:
            before, after = getattr(sent, name), getattr(got, name)
            if not is_same(before, after):
                why = (
                    f"{short(before)} would come back from JSON as "
                    f"{short(after)}: declare the exact type of every part"
                )
                raise InvalidPayload(self._job, name, why)


def _default(value: object) -> Any:
    if isinstance(value, _IMMUTABLE):
        return value
    return msgspec.field(default_factory=functools.partial(copy.deepcopy, value))


def _has_json(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
