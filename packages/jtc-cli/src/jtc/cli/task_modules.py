"""Which modules of a folder hold tasks and jobs, by their names alone."""

from __future__ import annotations

import os
from pathlib import Path

TASK_MODULES = ("tasks", "jobs", "schedule", "schedules")

_SKIPPED = frozenset(
    {
        "build",
        "dist",
        "jtc",  # our own namespace, in a checkout of it
        "node_modules",
        "site-packages",
        "src",  # a root of its own, never part of a module's name
        "test",
        "tests",
    }
)


def find_task_modules(folder: Path) -> list[str]:
    """Return the names of modules and packages called tasks, jobs, schedule(s).

    Looked at are `folder` and, one level down, its subfolders; the names are dotted.
    """
    names = list_task_modules(folder)
    for child in sorted(folder.iterdir()):
        if _is_searched(child):
            names += (f"{child.name}.{name}" for name in list_task_modules(child))
    return names


def list_task_modules(folder: Path) -> list[str]:
    """Return the names of those that are in `folder` itself."""
    return [
        name
        for name in TASK_MODULES
        if (folder / f"{name}.py").is_file() or has_modules(folder / name)
    ]


def has_modules(folder: Path) -> bool:
    """Tell whether this is a folder with Python files in it."""
    return folder.is_dir() and any(folder.glob("*.py"))


def is_test(name: str) -> bool:
    """Tell whether a module belongs to a test suite and is not to be imported."""
    return name in {"conftest", "test", "tests"} or name.startswith("test_")


def _is_searched(folder: Path) -> bool:
    return (
        folder.name.isidentifier()
        and folder.name not in _SKIPPED
        and folder.name not in TASK_MODULES
        and folder.is_dir()
        and os.access(folder, os.R_OK | os.X_OK)
        and not (folder / "pyvenv.cfg").exists()
    )
