from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jtc.queue.settings import load_settings


@dataclass(frozen=True, slots=True)
class NamedModules:
    """The modules that somebody named.

    Attributes:
        source: Where they were named.
        targets: Dotted modules, files or folders; none if nobody named any.
        folder: What files and folders are relative to.
    """

    source: str
    targets: tuple[str, ...]
    folder: Path


def read_named_modules(apps: Sequence[str], folder: Path) -> NamedModules:
    """Return the modules of the first place that names any.

    Args:
        apps: From the command line; then come the environment and pyproject.toml.
        folder: The working directory.

    Raises:
        SettingsError: The setting that names modules has the wrong form.
    """
    targets = load_settings(modules=tuple(apps), directory=folder).modules
    if apps:
        return NamedModules("--app", targets, folder)
    if os.environ.get("JTC_MODULES", "").strip(", "):
        return NamedModules("JTC_MODULES", targets, folder)
    return NamedModules("pyproject.toml", targets, find_project_folder(folder))


def find_project_folder(folder: Path) -> Path:
    """Return the nearest folder upwards with a pyproject.toml, else the folder."""
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return candidate
    return folder
