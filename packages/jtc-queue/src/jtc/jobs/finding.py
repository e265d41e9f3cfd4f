from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from jtc.jobs.errors import JobClassNotFound, JobModuleNotFound, NotAJob
from jtc.jobs.job import Job
from jtc.jobs.registry import known_jobs


def find_job_class(name: str) -> type[Job]:
    """Return the `Job` subclass that the queue calls `name`.

    A class that this process has not seen yet is looked for in its module.

    Raises:
        JobModuleNotFound: The module cannot be imported.
        JobClassNotFound: Nothing is known by that name.
        NotAJob: The name belongs to something else, or to a class without `handle`.
    """
    found = known_jobs.get(name) or _import(name)
    # Nothing that a name leads to is ever called unless it is a job.
    if not isinstance(found, type) or not issubclass(found, Job):
        raise NotAJob(name, "is no subclass of jtc.jobs.Job, so it is not run")
    found.__jtc__.check_runnable()
    return found


def _import(name: str) -> object:
    if not isinstance(name, str) or "." not in name:
        near = known_jobs.near(str(name))
        raise JobClassNotFound(repr(name), "this worker's jobs", near)
    module, path = _import_module_of(name)
    return known_jobs.get(name) or _look_up(module, path)


def _import_module_of(name: str) -> tuple[ModuleType, list[str]]:
    """Import the module that `name` begins with; return it and the rest of the name."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = _import_if_there(".".join(parts[:end]))
        if module is None:
            continue
        if end < len(parts) - 1 and parts[end] not in vars(module):
            break
        return module, parts[end:]
    expected = ".".join(parts[:-1])
    cause = ModuleNotFoundError(f"no module named {expected!r}")
    raise JobModuleNotFound(expected, cause)


def _import_if_there(module_name: str) -> ModuleType | None:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # Not there itself, or there and importing something that is not?
        if f"{module_name}.".startswith(f"{error.name}."):
            return None
        raise JobModuleNotFound(module_name, error) from error
    except (Exception, SystemExit) as error:
        # A module that exits while it is imported would end the worker.
        raise JobModuleNotFound(module_name, error) from error


def _look_up(module: ModuleType, path: list[str]) -> object:
    found: Any = module
    for part in path:
        # Only what is written there: a lookup that runs code might do anything.
        if not isinstance(found, type | ModuleType) or part not in vars(found):
            name = ".".join(path)
            near = known_jobs.near(f"{module.__name__}.{name}")
            raise JobClassNotFound(name, f"module {module.__name__}", near)
        found = vars(found)[part]
    return found
