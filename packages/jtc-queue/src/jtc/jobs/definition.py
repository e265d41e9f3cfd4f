from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jtc.jobs.declaration import (
    check_declaration,
    declared_fields,
    has_constructor,
    only_services,
    services_of,
)
from jtc.jobs.errors import InvalidOption, NotAJob
from jtc.jobs.keyed import Keyed
from jtc.jobs.options import JobOptions
from jtc.jobs.payload import Payload, payload_of

if TYPE_CHECKING:
    from jtc.jobs.job import Job


@dataclass(frozen=True)
class JobDefinition:
    """What the library knows about one `Job` class."""

    job_class: type[Job]
    path: str
    options: JobOptions

    @classmethod
    def of(cls, job_class: type[Job], keywords: Mapping[str, Any]) -> JobDefinition:
        """Define a class that is being made, from its class keywords.

        Raises:
            InvalidOption: A keyword is unknown or its value is unusable.
            InvalidDeclaration: A payload field would hide a method.
        """
        inherited = job_class.__jtc__.options
        options = inherited.derive(job_class.__name__, keywords)
        check_declaration(job_class)
        _check_unique(job_class, options)
        _check_keys(job_class, options)
        return cls(job_class, _dotted_path(job_class), options)

    @property
    def name(self) -> str:
        """What the class is called in the queue."""
        return self.options.name or self.path

    def check_runnable(self) -> None:
        """Refuse a class whose jobs could not run.

        Raises:
            NotAJob: It does not define `handle`.
        """
        missing = self.job_class.__abstractmethods__
        if missing:
            why = f"cannot run: it does not define {', '.join(sorted(missing))}()"
            raise NotAJob(self.name, why)

    @cached_property
    def takes_services(self) -> bool:
        """Whether an `__init__` of the class's own takes services."""
        return has_constructor(self.job_class)

    @cached_property
    def constructor(self) -> Mapping[str, type[Any]] | None:
        """The types of what `__init__` takes, if it takes nothing but services."""
        return only_services(self.job_class)

    @cached_property
    def services(self) -> Mapping[str, type[Any]]:
        """The types of the services that `handle` takes, by parameter.

        Raises:
            InvalidDeclaration: An annotation cannot be resolved.
        """
        return services_of(self.job_class)

    def payload_in(self, job: Job) -> dict[str, Any]:
        """Return the values of the payload that `job` holds."""
        return self.payload.collect(vars(job))

    @cached_property
    def handles_async(self) -> bool:
        """Whether `handle` gives something to await; asked once, not for each job."""
        return inspect.iscoroutinefunction(self.job_class.handle)

    # Not before the first job: annotations may name types defined further down.
    @cached_property
    def payload(self) -> Payload:
        """How payloads of this class are written and read."""
        return payload_of(self.job_class)


def _check_unique(job_class: type[Job], options: JobOptions) -> None:
    fields = declared_fields(job_class)
    by = () if options.unique is None else options.unique.by
    # A class that declares none takes any, and says at dispatch what is missing.
    if fields and not fields.keys() >= {*by}:
        allowed = f"compared by fields of the payload: {', '.join(fields)}"
        raise InvalidOption(job_class.__name__, "unique", options.unique, allowed)


def _check_keys(job_class: type[Job], options: JobOptions) -> None:
    for one in options.middleware:
        if isinstance(one, Keyed):
            one.check_fields(job_class.__name__, declared_fields(job_class))


def _dotted_path(job_class: type[Job]) -> str:
    module = job_class.__module__
    if module == "__main__":
        module = _importable_name_of_main()
    return f"{module}.{job_class.__qualname__}"


def _importable_name_of_main() -> str:
    """Return what another process calls the script that this one runs."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else "__main__"
