from __future__ import annotations

from pathlib import Path


def shown_path(path: str | Path) -> str:
    """Return a path for people: what is below the working directory, from there."""
    folder = Path.cwd()
    if not Path(path).is_relative_to(folder):
        return str(path)
    return str(Path(path).relative_to(folder))
