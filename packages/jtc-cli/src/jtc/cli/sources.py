from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from jtc.cli.discovery import ENTRY_POINTS
from jtc.cli.named_modules import NamedModules, find_project_folder, read_named_modules
from jtc.cli.task_modules import has_modules, is_test

Snapshot = Mapping[Path, tuple[int, int, int]]
"""Files, and by what one can tell that they have changed."""

# Where no worker imports anything from, though it could.
_SKIPPED = frozenset(
    {"__pycache__", "build", "dist", "node_modules", "site-packages", "test", "tests"}
)


@dataclass(frozen=True, slots=True)
class Sources:
    """The code that a worker may import, and the settings that it reads.

    Attributes:
        roots: Folders, which count with what is below them, and single files.
    """

    roots: tuple[Path, ...]

    def folders(self) -> frozenset[Path]:
        """Return all folders in which a file may change that matters."""
        return frozenset(folder for folder, _ in self._walk())

    def take_snapshot(self) -> Snapshot:
        """Return the files as they are now."""
        files = (file for _, files in self._walk() for file in files)
        states = ((file, _read_state(file)) for file in files)
        return {file: state for file, state in states if state is not None}

    def _walk(self) -> Iterator[tuple[Path, list[Path]]]:
        for root in self.roots:
            if root.is_file():
                yield root.parent, [root]
                continue
            linked: set[Path] = set()
            for name, children, files in os.walk(root, followlinks=True):
                folder = Path(name)
                children[:] = [
                    one
                    for one in children
                    if _is_walked(folder / one) and _is_new(folder / one, linked)
                ]
                yield folder, [folder / file for file in files if _is_code(file)]


def find_sources(apps: Sequence[str], *, directory: Path | None = None) -> Sources:
    """Return what a worker may import, without importing it.

    That is what is below the working directory and the project's own, and the
    packages elsewhere of modules that are named or published as entry points.

    Args:
        apps: Dotted modules, files or folders, as for `discover`.
        directory: The working directory unless given.

    Raises:
        SettingsError: The setting that names modules has the wrong form.
    """
    folder = (directory or Path.cwd()).resolve()
    named = read_named_modules(apps, folder)
    settings = find_project_folder(folder) / "pyproject.toml"
    found = [folder, named.folder, settings, *_locate(named)]
    return Sources(tuple(root for root in dict.fromkeys(found) if root.exists()))


def find_changes(before: Snapshot, after: Snapshot) -> list[Path]:
    """Return the files that are new, other than they were, or gone."""
    paths = before.keys() | after.keys()
    return sorted(path for path in paths if before.get(path) != after.get(path))


def _locate(named: NamedModules) -> Iterator[Path]:
    for target in named.targets:
        path = (named.folder / target).resolve()
        if path.exists():
            yield _outermost_package(path)
        else:
            yield from _locate_package(target)
    for point in metadata.entry_points(group=ENTRY_POINTS):
        yield from _locate_package(point.module)


def _outermost_package(path: Path) -> Path:
    while (path.parent / "__init__.py").is_file():
        path = path.parent
    return path


def _locate_package(name: str) -> Iterator[Path]:
    top = name.partition(".")[0]
    # Of a module without a dot in its name this imports nothing.
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        yield from (Path(place).resolve() for place in spec.submodule_search_locations)
    elif spec.has_location and spec.origin:
        yield Path(spec.origin).resolve()


def _is_walked(folder: Path) -> bool:
    is_package = folder.name.isidentifier() and folder.name not in _SKIPPED
    return is_package and not (folder / "pyvenv.cfg").exists()


def _is_new(folder: Path, linked: set[Path]) -> bool:
    """Tell whether a folder is to be walked that may be a link to another one."""
    if not folder.is_symlink():
        return True
    target = folder.resolve()
    # A link may lead to where it stands, or to a heap of data.
    if target in linked or not has_modules(target):
        return False
    linked.add(target)
    return True


def _is_code(file: str) -> bool:
    name, dot, suffix = file.rpartition(".")
    return bool(dot) and suffix == "py" and not is_test(name)


def _read_state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        # It has gone in the meantime, or nobody may read it.
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
