from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jtc.jobs.declaration import check_declaration
from jtc.jobs.errors import NotAJob
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
    def handles_async(self) -> bool:
        """Whether `handle` gives something to await; asked once, not for each job."""
        return inspect.iscoroutinefunction(self.job_class.handle)

    # Not before the first job: annotations may name types defined further down.
    @cached_property
    def payload(self) -> Payload:
        """How payloads of this class are written and read."""
        return payload_of(self.job_class)


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
