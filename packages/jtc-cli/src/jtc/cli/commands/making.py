from __future__ import annotations

from pathlib import Path

from jtc.cli.errors import FileExists, FolderHasNoName
from jtc.cli.output import print_json, say
from jtc.cli.skeletons import Skeleton, read_names


def make(
    skeleton: Skeleton, name: str, *, into: Path, tests: Path, as_json: bool
) -> None:
    """Write a skeleton and its test.

    Args:
        skeleton: Of what.
        name: What it is called.
        into: The folder, below the working directory, in which it goes.
        tests: That of its test.
        as_json: Whether a program reads what was written.

    Raises:
        NotAName: Python cannot use the name.
        FolderHasNoName: The folder is no place to import from.
        FileExists: One of the files is there already; nothing was written.
    """
    names = read_names(name)
    package = _package_of(into)
    module, test = into / f"{names.module}.py", tests / f"test_{names.module}.py"
    # A module beside the folder is what would be imported, or would not be any more.
    rivals = [into.with_suffix(".py"), module, test]
    if taken := [path for path in rivals if path.exists()]:
        raise FileExists(taken)
    source, test_source = skeleton.fill(names, path=f"{package}.{names.module}")
    packages = [folder / "__init__.py" for folder in _new_packages(into)]
    texts = {**dict.fromkeys(packages, ""), module: source, test: test_source}
    for path, text in texts.items():
        _write(path, text)
    if as_json:
        print_json({"written": list(map(str, texts)), "test": str(test)})
    say(f"Try it: python -m pytest {test}")


def _package_of(folder: Path) -> str:
    parts = folder.parts[1:] if folder.parts[:1] == ("src",) else folder.parts
    if not parts or not all(part.isidentifier() for part in parts):
        raise FolderHasNoName(folder)
    return ".".join(parts)


def _new_packages(folder: Path) -> list[Path]:
    """Return the folders that are to be made and imported from, the outermost first."""
    folders = [folder, *folder.parents]
    new = [one for one in folders if not one.exists() and one != Path("src")]
    return new[::-1]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not over what somebody has written in the meantime.
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    say(f"Wrote {path}.")
