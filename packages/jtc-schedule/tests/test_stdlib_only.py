from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jtc.schedule

SOURCE = Path(jtc.schedule.__file__).parents[2]

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import jtc.schedule
loaded_first = sorted(sys.modules)
parts = [m.name for m in pkgutil.walk_packages(jtc.schedule.__path__, "jtc.schedule.")]
for part in parts:
    importlib.import_module(part)
foreign = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
print(json.dumps({"parts": parts, "foreign": sorted(foreign), "first": loaded_first}))
"""


def test_only_the_standard_library_is_imported() -> None:
    found = _import_everything()

    assert len(found["parts"]) >= 7
    assert set(found["foreign"]) == {"__main__", "jtc"}


def test_what_only_some_tasks_need_is_not_imported_at_first() -> None:
    found = _import_everything()

    assert "jtc.schedule.running" in found["first"]
    assert not {"asyncio", "logging", "zoneinfo"} & set(found["first"])


def _import_everything() -> dict[str, Any]:
    # -S hides site-packages, -I the environment and the working directory.
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_EVERYTHING, str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found
