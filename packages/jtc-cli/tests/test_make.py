from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from jtc.cli.discovery import discover
from jtc.cli.errors import FileExists, FolderHasNoName, NotAName
from jtc.cli.skeletons import Names, read_names
from jtc.jobs import known_jobs
from jtc.schedule import ScheduleRegistry

Call = Callable[..., Result]


def run_tests(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    options = ("-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("text", "module", "title"),
    [
        ("SendInvoice", "send_invoice", "SendInvoice"),
        ("send_invoice", "send_invoice", "SendInvoice"),
        ("send-invoice", "send_invoice", "SendInvoice"),
        ("send invoice", "send_invoice", "SendInvoice"),
        ("HTTPCheck", "http_check", "HTTPCheck"),
        ("import2024", "import_2024", "Import2024"),
        ("backup", "backup", "Backup"),
    ],
)
def test_a_name_is_written_as_a_module_and_as_a_class(
    text: str, module: str, title: str
) -> None:
    assert read_names(text) == Names(module, title)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a letter first"),
        ("7days", "a letter first"),
        ("send.invoice", "a letter first"),
        ("../evil", "a letter first"),
        ("class", "a word of the language"),
        ("None", "a word of the language"),
        ("Job", "the skeleton imports something"),
        ("TestInvoice", "taken for tests"),
    ],
)
def test_a_name_that_cannot_be_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotAName, match=why):
        read_names(text)


def test_a_job_and_a_task_are_found_and_their_tests_pass(
    invoke: Call, project: Path
) -> None:
    # When
    made = invoke("make", "job", "SendInvoice")
    assert made.stderr.splitlines() == [
        "Wrote jobs/__init__.py.",
        "Wrote jobs/send_invoice.py.",
        "Wrote tests/test_send_invoice.py.",
        "Try it: python -m pytest tests/test_send_invoice.py",
    ]
    assert invoke("make", "task", "back-up").exit_code == 0
    # Then
    answer = run_tests(project, "tests")
    assert answer.returncode == 0, answer.stdout
    assert "4 passed" in answer.stdout
    discover()
    assert "jobs.send_invoice.SendInvoice" in known_jobs.get_all()
    assert ScheduleRegistry.get_task("back_up") is not None


def test_a_skeleton_goes_where_it_is_wanted(invoke: Call, project: Path) -> None:
    invoke("make", "job", "Ship", "--into", "src/shop/jobs", "--tests", "src/checks")
    assert (project / "src/shop/__init__.py").exists()
    assert not (project / "src/__init__.py").exists()
    test = (project / "src/checks/test_ship.py").read_text("utf-8")
    assert "from shop.jobs.ship import Ship" in test
    sys.path[:0] = [str(project / "src"), str(project / "src/checks")]
    tests = importlib.import_module("test_ship")
    tests.test_ship_does_its_work()
    tests.test_ship_refuses_a_payload_that_is_none()


@pytest.mark.parametrize(
    "path", ["jobs.py", "jobs/send_invoice.py", "tests/test_send_invoice.py"]
)
def test_nothing_that_is_there_is_changed(
    invoke: Call, write: Callable[[str, str], Path], project: Path, path: str
) -> None:
    mine = write(path, "mine")
    before = sorted(project.rglob("*"))
    with pytest.raises(FileExists, match=path):
        invoke("make", "job", "SendInvoice")
    assert mine.read_text("utf-8") == "mine"
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("folder", ["..", "my-jobs", "/", "src"])
def test_a_folder_that_nobody_can_import_from_is_refused(
    invoke: Call, project: Path, folder: str
) -> None:
    with pytest.raises(FolderHasNoName, match="no place for a module"):
        invoke("make", "task", "back_up", "--into", folder)
    assert list(project.iterdir()) == []


def test_programs_read_what_was_written(invoke: Call, project: Path) -> None:
    answer = invoke("make", "job", "SendInvoice", "--json")
    assert json.loads(answer.stdout) == {
        "written": [
            "jobs/__init__.py",
            "jobs/send_invoice.py",
            "tests/test_send_invoice.py",
        ],
        "test": "tests/test_send_invoice.py",
    }
