from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "typed"
# In bad.py and nowhere else, at the end of each line that a checker has to refuse.
MARK = "  # error"

Places = set[tuple[str, int]]
Check = Callable[[Path], Places]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files in a project of their own, like a user's."""
    return shutil.copytree(SOURCES, tmp_path / "project")


@pytest.fixture
def mypy(request: pytest.FixtureRequest) -> Check:
    """Run mypy as strictly as it can."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    cache = request.config.cache
    assert cache is not None
    options = ["--strict", "--config-file=", f"--cache-dir={cache.mkdir('mypy')}"]
    options[-1] += f"/{worker}"

    def check(folder: Path) -> Places:
        files = sorted(path.name for path in folder.glob("*.py"))
        said = run(["mypy", *options, "--no-pretty", *files], folder)
        found = re.findall(r"^(\w+\.py):(\d+): error:", said, re.MULTILINE)
        assert found, said
        return {(name, int(line)) for name, line in found}

    return check


@pytest.fixture
def pyright() -> Check:
    """Run Pyright, of a wheel that brings its own node, as strictly as it can."""

    def check(folder: Path) -> Places:
        settings = {"typeCheckingMode": "strict", "include": ["."]}
        (folder / "pyrightconfig.json").write_text(json.dumps(settings))
        options = ["--outputjson", "--pythonpath", sys.executable]
        said = json.loads(run(["basedpyright", *options], folder))
        return {
            (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
            for one in said["generalDiagnostics"]
        }

    return check


def run(command: list[str], folder: Path) -> str:
    """Run a module and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_checker_refuses_each_line_that_is_wrong_and_no_other(
    request: pytest.FixtureRequest, checker: str, folder: Path
) -> None:
    check: Check = request.getfixturevalue(checker)
    wrong = {
        (path.name, number)
        for path in SOURCES.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if line.endswith(MARK)
    }

    refused = check(folder)

    assert sorted(refused - wrong) == []
    assert sorted(wrong - refused) == []
    assert {name for name, _ in wrong} == {"bad.py"}
