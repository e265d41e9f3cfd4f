from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from jtc.jobs.declaration import DeclaredField, declared_fields, is_class_variable
from jtc.jobs.declared_payload import DeclaredPayload
from jtc.jobs.free_payload import FreePayload
from jtc.jobs.type_arguments import arguments_of, bind

if TYPE_CHECKING:
    from jtc.jobs.job import Job


class Payload(Protocol):
    """How the payloads of one class are written for the queue and read back."""

    @property
    def secret(self) -> tuple[str, ...]:
        """The fields that are marked `Secret`, or have one inside."""
        ...

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check what was dispatched and return what JSON can carry.

        Raises:
            InvalidPayload: Naming job, field, what was expected and what came.
        """
        ...

    def check(self, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check what a job is made with and return the attributes to set.

        Raises:
            InvalidPayload: As `encode`.
        """
        ...

    def collect(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the payload among the attributes of a job."""
        ...

    def complete(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return JSON with the defaults that it leaves out."""
        ...

    def decode(self, data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check what came from the queue and return the attributes to set.

        Raises:
            PayloadOutdated: It does not fit the class, as after a deploy.
        """
        ...


def payload_of(job_class: type[Job]) -> Payload:
    """Return the payload that a class declares; any JSON when it declares none.

    Raises:
        InvalidDeclaration: A field's annotation cannot be resolved or carried as JSON.
    """
    fields = {
        field.name: (field, hint)
        for field, hint in _with_types(job_class)
        if not is_class_variable(hint)
    }
    return DeclaredPayload(job_class, fields) if fields else FreePayload(job_class)


def _with_types(job_class: type[Job]) -> Iterator[tuple[DeclaredField, Any]]:
    arguments = arguments_of(job_class)
    for field in declared_fields(job_class).values():
        written = field.resolve()
        hint = bind(written, arguments.get(field.owner, {}))
        changed = hint is not written
        yield dataclasses.replace(field, annotation=hint) if changed else field, hint
