from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jtc.jobs.declaration import injected_parameters, reserved_names
from jtc.jobs.errors import InvalidPayload, PayloadOutdated
from jtc.jobs.json_flaw import find_flaw

if TYPE_CHECKING:
    from jtc.jobs.job import Job


class FreePayload:
    """The payload of a class that declares none: whatever JSON gives back unchanged.

    Attributes:
        secret: Which fields are marked `Secret`: none.
    """

    secret: tuple[str, ...] = ()

    def __init__(self, job_class: type[Job]) -> None:
        self._job = job_class.__name__
        self._reserved = reserved_names(job_class)
        self._injected = injected_parameters(job_class)

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check names and values.

        Raises:
            InvalidPayload: A name is reserved, or a value would not come back from JSON
                as it is.
        """
        for name, value in values.items():
            self._check_name(name)
            if flaw := find_flaw(value):
                place, why = flaw
                raise InvalidPayload(self._job, f"{name}{place}", why)
        return dict(values)

    def check(self, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check names and values, as `encode` does.

        Raises:
            InvalidPayload: As `encode`.
        """
        return self.encode(values).items()

    def collect(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes that may be a payload."""
        return {
            name: value
            for name, value in attributes.items()
            if not name.startswith("_") and name not in self._reserved
        }

    def complete(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data: there are no defaults."""
        return dict(data)

    def decode(self, data: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Check names: a payload may have been written by anybody.

        Raises:
            PayloadOutdated: A name is reserved.
        """
        if not isinstance(data, Mapping):
            why = f"the payload has to be an object with names, it is {data!r}"
            remedy = "find out who wrote it"
            raise PayloadOutdated(self._job, "", why, remedy)
        try:
            for name in data:
                self._check_name(name)
        except InvalidPayload as error:
            remedy = "deploy a class that leaves the name to the payload"
            raise PayloadOutdated(self._job, error.field, error.why, remedy) from None
        return data.items()

    def _check_name(self, name: object) -> None:
        if not isinstance(name, str):
            why = f"a payload name has to be a string, not {name!r}"
            raise InvalidPayload(self._job, "", why)
        if name.startswith("_"):
            why = "a payload name may not start with an underscore"
            raise InvalidPayload(self._job, name, why)
        if name in self._reserved:
            raise InvalidPayload(self._job, name, self._why_reserved(name))

    def _why_reserved(self, name: str) -> str:
        if name in self._injected:
            return "is a parameter of __init__, which takes services from the container"
        return "a payload may not overwrite a method or property; choose another name"
