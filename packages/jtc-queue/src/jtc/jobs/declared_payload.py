from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jtc.jobs.declaration import DeclaredField, defaults_of, injected_parameters
from jtc.jobs.errors import InvalidDeclaration, InvalidPayload, PayloadOutdated
from jtc.jobs.field_names import FieldNames
from jtc.jobs.payload_schema import PayloadSchema
from jtc.queue.veil import MASK
from jtc.schedule.secret import holds_secret

if TYPE_CHECKING:
    from jtc.jobs.job import Job


class DeclaredPayload:
    """The payload of a class that declares its fields.

    Built once per class.

    Attributes:
        secret: The fields that are marked `Secret`, or have one inside.

    Raises:
        InvalidDeclaration: The type of a field cannot be carried as JSON exactly, or
            its default is of another type.
    """

    def __init__(
        self, job_class: type[Job], fields: Mapping[str, tuple[DeclaredField, Any]]
    ) -> None:
        self._job = job_class.__name__
        texts = {name: field.type_text for name, (field, _) in fields.items()}
        hints = {name: hint for name, (_, hint) in fields.items()}
        self.secret = tuple(name for name, hint in hints.items() if holds_secret(hint))
        written = defaults_of(job_class, fields)
        defaults = _checked_defaults(self._job, hints, texts, written)
        self._all = texts.keys()
        self._required = frozenset(fields.keys() - defaults.keys())
        self._names = FieldNames(texts, self._required, injected_parameters(job_class))
        self._schema = PayloadSchema(self._job, hints, texts, defaults)

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values of the declared types and return their form in JSON.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type, or would not
                come back from JSON equal to what was given.
        """
        self._check_names(values)
        return self._schema.write(values, self._schema.check(values))

    def check(self, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check values of the declared types and return all, defaults included.

        Raises:
            InvalidPayload: A value is missing, unknown or of another type.
        """
        self._check_names(values)
        return _items(self._schema.check(values))

    def collect(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the declared fields among the attributes of a job."""
        return {name: attributes[name] for name in self._all if name in attributes}

    def complete(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return JSON with the defaults that it leaves out."""
        return self._schema.complete(data)

    def decode(self, data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check JSON and return values of the declared types, defaults included.

        Raises:
            PayloadOutdated: A value is missing, unknown or of another type.
        """
        if not isinstance(data, Mapping):
            shown = MASK if self.secret else repr(data)
            why = f"the payload has to be an object with fields, it is {shown}"
            raise PayloadOutdated(self._job, "", why, "find out who wrote it")
        if not self._all >= data.keys() >= self._required:
            self._refuse(data)
        return _items(self._schema.read(data))

    def _check_names(self, values: Mapping[str, Any]) -> None:
        if self._all >= values.keys() >= self._required:
            return
        if flaw := self._names.flaw_in(values):
            raise InvalidPayload(self._job, *flaw)

    def _refuse(self, data: Mapping[str, Any]) -> None:
        if misfit := self._names.misfit_in(data):
            raise PayloadOutdated(self._job, *misfit)


def _items(values: msgspec.Struct) -> Iterable[tuple[str, Any]]:
    return msgspec.structs.asdict(values).items()


def _checked_defaults(
    job: str,
    hints: Mapping[str, Any],
    texts: Mapping[str, str],
    defaults: Mapping[str, Any],
) -> dict[str, Any]:
    """Refuse a default that could not be dispatched."""
    schema = PayloadSchema(job, {name: hints[name] for name in defaults}, texts, {})
    try:
        checked = schema.check(defaults)
        schema.write(defaults, checked)
    except InvalidPayload as error:
        why = f"its default does not fit: {error.why}"
        raise InvalidDeclaration(job, error.field, why) from None
    return {name: getattr(checked, name) for name in defaults}
