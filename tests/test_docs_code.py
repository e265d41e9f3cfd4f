from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jtc.schedule import ScheduleRegistry

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "packages").glob("jtc-*/README.md"),
    ]
)
MODULES = sorted(
    ".".join(path.relative_to(source).with_suffix("").parts)
    for source in (ROOT / "packages").glob("jtc-*/src")
    for path in source.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
RunPage = Callable[[Path], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_page(tmp_path: Path, user_environment: dict[str, str]) -> RunPage:
    """Run a page as a program of its own, in an empty folder, with a server."""
    folder = tmp_path / "reader"
    folder.mkdir()

    def run(page: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", str(ROOT / "tests/run_page.py"), str(page)],
            cwd=folder,
            env=user_environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def write_page(tmp_path: Path) -> Callable[[str], Path]:
    """Write a page; ''' stands for the three backticks of a fence."""

    def write(text: str) -> Path:
        page = tmp_path / "page.md"
        page.write_text(text.replace("'''", "```"), encoding="utf-8")
        return page

    return write


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs(page: Path, run_page: RunPage) -> None:
    done = run_page(page)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_every_example_in_a_docstring_runs(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".__init__"))

    with ScheduleRegistry.scoped():
        results = doctest.testmod(module, optionflags=doctest.ELLIPSIS)

    assert results.failed == 0


def test_blocks_share_a_namespace_and_may_await(
    run_page: RunPage, write_page: Callable[[str], Path]
) -> None:
    page = write_page(
        """
'''python
import asyncio
answer = 42
'''
- in a list
    '''python
    await asyncio.sleep(0)
    assert answer == 42
    '''
"""
    )

    done = run_page(page)

    assert "page.md: 2 of 2 blocks ran" in done.stdout, done.stderr


def test_a_block_that_fails_is_shown_with_its_line(
    run_page: RunPage, write_page: Callable[[str], Path]
) -> None:
    page = write_page("# Title\n\n'''python\nx = 1\nassert x == 2\n'''\n")

    done = run_page(page)

    assert done.returncode != 0
    assert f'{page}", line 5' in done.stderr
    assert "assert x == 2" in done.stderr


def test_a_titled_block_is_a_file_that_others_import(
    run_page: RunPage, write_page: Callable[[str], Path]
) -> None:
    page = write_page(
        """
'''python title="shop/tasks.py"
price = 7
'''
'''python
from shop.tasks import price
assert price == 7
'''
"""
    )

    done = run_page(page)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("title", ['title="test_tasks.py"', ""])
@pytest.mark.parametrize(("expected", "passes"), [(7, True), (8, False)])
def test_a_block_of_tests_is_run_by_pytest(
    run_page: RunPage,
    write_page: Callable[[str], Path],
    title: str,
    expected: int,
    passes: bool,
) -> None:
    page = write_page(
        f"""
'''python title="tasks.py"
price = 7
'''
'''python {title}
from tasks import price

def test_the_price():
    assert price == {expected}
'''
"""
    )

    done = run_page(page)

    assert (done.returncode == 0) is passes
    assert ("1 passed" if passes else "1 failed") in done.stdout


def test_a_block_with_a_reason_is_left_out(
    run_page: RunPage, write_page: Callable[[str], Path]
) -> None:
    page = write_page("<!-- not run: needs a mail server -->\n'''python\n1 / 0\n'''\n")

    done = run_page(page)

    assert "page.md: 0 of 1 blocks ran" in done.stdout


def test_a_block_is_not_left_out_without_a_reason(
    run_page: RunPage, write_page: Callable[[str], Path]
) -> None:
    done = run_page(write_page("<!-- not run: -->\n'''python\nx = 1\n'''\n"))

    assert done.returncode != 0
    assert "page.md:3: 'not run' without a reason" in done.stderr
