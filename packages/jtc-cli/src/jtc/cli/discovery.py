from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType

from jtc.cli.errors import ModuleImportFailed, ModuleNameTaken, ModuleNotLocated
from jtc.cli.named_modules import NamedModules, read_named_modules
from jtc.cli.reporting import is_ours
from jtc.cli.task_modules import (
    TASK_MODULES,
    find_task_modules,
    has_modules,
    is_test,
    list_task_modules,
)
from jtc.cli.user_traceback import format_user_place, format_user_traceback

ENTRY_POINTS = "jtc.schedules"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was imported, and where it was looked for.

    Attributes:
        modules: The names of the modules, each with the place that led to it.
        places: One line for each place that was looked at.
    """

    modules: tuple[tuple[str, str], ...]
    places: tuple[str, ...]


def discover(apps: Sequence[str] = (), *, directory: Path | None = None) -> Discovery:
    """Import the modules that register tasks and define jobs.

    They are named by `apps`, else by `JTC_MODULES`, else by `modules` in `[tool.jtc]`
    of pyproject.toml. Only where none of these names any, modules and packages called
    tasks, jobs, schedule or schedules are looked for in the working directory. What
    installed packages publish as entry points is imported in any case.

    Args:
        apps: Dotted modules, files or folders.
        directory: The working directory unless given.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
        SettingsError: The setting that names modules has the wrong form.
    """
    folder = (directory or Path.cwd()).resolve()
    named = read_named_modules(apps, folder)
    importer = _Importer(dict.fromkeys((folder, named.folder)))
    places = [importer.load_named(named), importer.load_entry_points()]
    if not named.targets:
        places += [importer.load_folder(root) for root in importer.roots]
    return Discovery(tuple(importer.found.items()), tuple(places))


class _Importer:
    """Imports modules, each file once, and remembers what led to it."""

    def __init__(self, folders: Iterable[Path]) -> None:
        pairs = ((folder, folder / "src") for folder in folders)
        self.roots = [root for pair in pairs for root in pair if root.is_dir()]
        self.found: dict[str, str] = {}
        self._names: dict[str, str] = {}
        importlib.invalidate_caches()
        for root in reversed(self.roots):
            _put_first_on_path(root)

    def load_named(self, named: NamedModules) -> str:
        for target in named.targets:
            self._load_target(target, named)
        listed = ", ".join(named.targets)
        if listed:
            return f"{named.source}: {listed}"
        return "--app, JTC_MODULES, modules in [tool.jtc] of pyproject.toml: none given"

    def load_entry_points(self) -> str:
        points = sorted(set(metadata.entry_points(group=ENTRY_POINTS)))
        for point in points:
            self._load_module(point.module, f"entry point {point.name!r}")
        listed = ", ".join(point.value for point in points) or "none"
        return f"entry points {ENTRY_POINTS!r} of installed packages: {listed}"

    def load_folder(self, folder: Path) -> str:
        names = find_task_modules(folder)
        for name in names:
            self._load_module(name, str(folder))
        listed = ", ".join(names) or f"none called {', '.join(TASK_MODULES)}"
        return f"{folder} and its subfolders: {listed}"

    def _load_target(self, target: str, named: NamedModules) -> None:
        path = named.folder / target
        is_path = target.endswith(".py") or os.sep in target
        if is_path or (has_modules(path) and not (path / "__init__.py").is_file()):
            self._load_path(path, named.source)
        else:
            self._load_module(target, named.source)

    def _load_path(self, path: Path, source: str) -> None:
        # The folder only: a link to a file is imported by the name of the link.
        path = path.parent.resolve() / path.name
        if path.is_file() and path.suffix == ".py":
            self._load_file(path, source)
        elif (path / "__init__.py").is_file():
            self._load_file(path / "__init__.py", source)
        elif has_modules(path) or list_task_modules(path):
            for item in _task_paths(path) or sorted(path.glob("*.py")):
                self._load_path(item, source)
        else:
            raise ModuleNotLocated(str(path), source, self.roots)

    def _load_file(self, file: Path, source: str) -> None:
        name, root = _import_name(file)
        _put_first_on_path(root)
        self._load_module(name, source)
        module = sys.modules[self._names.get(str(file), name)]
        if getattr(module, "__file__", None) != str(file):
            raise ModuleNameTaken(file, name, module)

    def _load_module(self, name: str, source: str) -> None:
        if name in self.found:
            return
        module = self._import(name, source)
        self.found.setdefault(module.__name__, source)
        for child in _children(module):
            self._load_module(child, source)

    def _import(self, name: str, source: str) -> ModuleType:
        try:
            return self._import_once(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if isinstance(error, ModuleNotFoundError) and _is_about(error, name):
                raise ModuleNotLocated(name, source, self.roots) from error
            # What refuses a declaration says all there is but where it stands.
            format_ = format_user_place if is_ours(error) else format_user_traceback
            raise ModuleImportFailed(name, source, format_(error)) from error

    def _import_once(self, name: str) -> ModuleType:
        spec = importlib.util.find_spec(name) if all(name.split(".")) else None
        if spec is None:
            raise ModuleNotFoundError(name=name)
        known = self._names.setdefault(spec.origin or name, name)
        return importlib.import_module(known)


def _put_first_on_path(folder: Path) -> None:
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]


def _task_paths(folder: Path) -> list[Path]:
    names = list_task_modules(folder)
    files = (folder / f"{name}.py" for name in names)
    return [file if file.is_file() else file.with_suffix("") for file in files]


def _import_name(file: Path) -> tuple[str, Path]:
    """Return the name a file is imported by, and the folder that has to be searched."""
    parts = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder


def _children(module: ModuleType) -> list[str]:
    folders = [Path(entry) for entry in getattr(module, "__path__", ())]
    if set(module.__name__.split(".")) & set(TASK_MODULES):
        found = pkgutil.iter_modules(map(str, folders))
        names = [entry.name for entry in found if entry.name != "__main__"]
    else:
        names = [name for folder in folders for name in list_task_modules(folder)]
    return [f"{module.__name__}.{name}" for name in names if not is_test(name)]


def _is_about(error: ModuleNotFoundError, name: str) -> bool:
    return f"{name}.".startswith(f"{error.name}.")
