from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from jtc.jobs.declaration import declared_fields, is_class_variable
from jtc.jobs.declared_payload import DeclaredPayload
from jtc.jobs.free_payload import FreePayload

if TYPE_CHECKING:
    from jtc.jobs.job import Job


class Payload(Protocol):
    """How the payloads of one class are written for the queue and read back."""

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check what was dispatched and return what JSON can carry.

        Raises:
            InvalidPayload: Naming job, field, what was expected and what came.
        """
        ...

    def decode(self, data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check what came from the queue and return the attributes to set.

        Raises:
            InvalidPayload: As `encode`.
        """
        ...


def payload_of(job_class: type[Job]) -> Payload:
    """Return the payload that a class declares; any JSON when it declares none.

    Raises:
        InvalidDeclaration: A field's annotation cannot be resolved or carried as JSON.
    """
    types = {
        name: (field, field.resolve())
        for name, field in declared_fields(job_class).items()
    }
    fields = {n: pair for n, pair in types.items() if not is_class_variable(pair[1])}
    return DeclaredPayload(job_class, fields) if fields else FreePayload(job_class)
