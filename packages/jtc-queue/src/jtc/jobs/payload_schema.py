from __future__ import annotations

import copy
import enum
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jtc.jobs.errors import InvalidPayload, PayloadOutdated
from jtc.jobs.explanation import explain, explain_queued, short
from jtc.jobs.field_type import read_field_type
from jtc.jobs.json_flaw import MAX_DEPTH, is_deeper
from jtc.jobs.payload_json import (
    NATIVE_TYPES,
    encode,
    encode_in_order,
    has_json,
    simplify,
)
from jtc.jobs.pydantic_model import read_model
from jtc.jobs.sameness import is_same
from jtc.queue.veil import MASK
from jtc.schedule.secret import holds_secret

_IMMUTABLE = (str, int, float, type(None), enum.Enum, *NATIVE_TYPES[2:], bytes)


class PayloadSchema:
    """The types of some fields, compiled, so that a job costs one conversion.

    Args:
        job: The name of the class.
        hints: The types of the fields.
        type_texts: Their annotations, as they were written.
        defaults: The values of those that have one.

    Raises:
        InvalidDeclaration: A type cannot be carried as JSON exactly.
    """

    def __init__(
        self,
        job: str,
        hints: Mapping[str, Any],
        type_texts: Mapping[str, str],
        defaults: Mapping[str, Any],
    ) -> None:
        self._job = job
        self._type_texts = type_texts
        self._secret = frozenset(n for n, hint in hints.items() if holds_secret(hint))
        types = {name: read_field_type(job, name, hint) for name, hint in hints.items()}
        self._has_times = any(kind.has_times for kind in types.values())
        self._simplified = {
            n: t.models for n, t in types.items() if t.has_plain_numbers
        }
        self._struct = msgspec.defstruct(
            f"{job}Payload",
            [
                (name, hint, _default(defaults[name]))
                if name in defaults
                else (name, hint)
                for name, hint in hints.items()
            ],
            kw_only=True,
        )

    def check(self, values: Mapping[str, Any]) -> msgspec.Struct:
        """Return the values, defaults included, if they are of the declared types.

        Raises:
            InvalidPayload: One is not.
        """
        if self._simplified:
            return self._check_simplified(values)
        return self._check(values, dict(values))

    def write(
        self, values: Mapping[str, Any], checked: msgspec.Struct
    ) -> dict[str, Any]:
        """Return the JSON of what was given, which comes back equal to it.

        Args:
            values: What was given; the defaults are left to whoever reads it.
            checked: What `check` made of it.

        Raises:
            InvalidPayload: A value has no form in JSON, or another value has the same.
        """
        data = self._to_json({name: getattr(checked, name) for name in values})
        try:
            returned = self._convert(data)
        except msgspec.ValidationError as error:
            place, why = explain(str(error), values, self._type_texts, self._secret)
            raise InvalidPayload(self._job, place, why) from None
        if self._has_times or not _is_equal(returned, checked, operator.eq):
            self._check_fidelity(values, checked, returned)
        return data

    def read(self, data: Mapping[str, Any]) -> msgspec.Struct:
        """Return what was written, defaults included.

        Raises:
            PayloadOutdated: A value is not of the declared type.
        """
        try:
            return self._convert(data)
        except msgspec.ValidationError as error:
            known = self._type_texts
            place, why = explain_queued(str(error), data, known, self._secret)
            remedy = "deploy a class that takes it"
            raise PayloadOutdated(self._job, place, why, remedy) from None

    def complete(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return JSON with the defaults that it leaves out."""
        text = encode_in_order(self._convert(data))
        completed: dict[str, Any] = msgspec.json.decode(text)
        return completed

    def _check(
        self, values: Mapping[str, Any], data: Mapping[str, Any]
    ) -> msgspec.Struct:
        try:
            checked: msgspec.Struct = msgspec.convert(
                data, self._struct, builtin_types=NATIVE_TYPES
            )
        except msgspec.ValidationError as error:
            place, why = explain(str(error), values, self._type_texts, self._secret)
            raise InvalidPayload(self._job, place, why) from None
        return checked

    def _check_simplified(self, values: Mapping[str, Any]) -> msgspec.Struct:
        names = self._simplified.keys() & values.keys()
        simple = {
            name: simplify(values[name], self._simplified[name]) for name in names
        }
        checked = self._check(values, {**values, **simple})
        for name in names:
            self._check_kept(name, values[name], getattr(checked, name))
        return checked

    def _convert(self, data: Mapping[str, Any]) -> msgspec.Struct:
        read: msgspec.Struct = msgspec.convert(
            data, self._struct, str_keys=True, dec_hook=read_model
        )
        return read

    def _check_kept(self, name: str, given: object, got: object) -> None:
        if not is_same(given, got):
            text = self._type_texts[name]
            shown = self._short(name, given)
            why = f"expected {text}, got {type(given).__name__} {shown}"
            raise InvalidPayload(self._job, name, why)

    def _to_json(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            text = encode(given)
            data: dict[str, Any] = msgspec.json.decode(text)
        except (TypeError, ValueError, RecursionError) as error:
            name = next((n for n in given if not has_json(given[n])), "")
            cause = None if name in self._secret else error
            because = f" ({cause})" if cause else ""
            shown = self._short(name, given.get(name))
            why = f"{shown} cannot be carried as JSON{because}"
            raise InvalidPayload(self._job, name, why) from cause
        if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            self._check_depth(data)
        return data

    def _check_depth(self, data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            if is_deeper(value, MAX_DEPTH):
                why = f"it is nested deeper than {MAX_DEPTH} levels"
                raise InvalidPayload(self._job, name, why)

    def _short(self, name: str, value: object) -> str:
        return MASK if name in self._secret else short(value)

    def _check_fidelity(
        self, values: Mapping[str, Any], sent: msgspec.Struct, got: msgspec.Struct
    ) -> None:
        for name in values:
            before, after = getattr(sent, name), getattr(got, name)
            if not _is_equal(before, after, is_same):
                why = (
                    f"{self._short(name, before)} would come back from JSON as "
                    f"{self._short(name, after)}: declare the exact type of every part"
                )
                raise InvalidPayload(self._job, name, why)


def _default(value: object) -> Any:
    if isinstance(value, _IMMUTABLE):
        return value
    return msgspec.field(default_factory=functools.partial(copy.deepcopy, value))


def _is_equal(sent: object, got: object, compare: Callable[[Any, Any], bool]) -> bool:
    try:
        return bool(compare(sent, got))
    except Exception:
        # A signaling NaN, or a class with a mind of its own.
        return False
