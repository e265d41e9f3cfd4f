"""Run the Python blocks of one Markdown page in order, as a reader would.

`python tests/run_page.py PAGE`, in the folder where the page's files may be written.

- An untitled block runs in the page's namespace; `await` is allowed at its top level.
- A block with `title="app/tasks.py"` is that file: written, then imported. Blocks below
  it may import it too.
- A block with tests in it is a test file: pytest runs it after the page.
- A block below `<!-- not run: the reason -->` is left out.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(
    r"^(?P<indent> *)```python\b(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```\s*$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="([^"]+\.py)"')
A_TEST = re.compile(r"^(?:async )?def test_", re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run:(.*?)-->\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `line` is that of its first line of code, counted from 1."""

    line: int
    source: str
    title: str | None
    why_not: str | None

    @property
    def is_test(self) -> bool:
        """Whether pytest runs it, for nobody else would call its tests."""
        return A_TEST.search(self.source) is not None

    @property
    def file(self) -> str | None:
        """Where it is written, if anywhere."""
        return self.title or (f"test_line_{self.line}.py" if self.is_test else None)


def find_blocks(text: str) -> Iterator[Block]:
    """Yield the Python blocks of a page in their order."""
    for fence in FENCE.finditer(text):
        title = TITLE.search(fence["info"])
        why_not = NOT_RUN.search(text, 0, fence.start())
        yield Block(
            line=text.count("\n", 0, fence.start("body")) + 1,
            source=textwrap.dedent(fence["body"]),
            title=title[1] if title else None,
            why_not=why_not[1].strip() if why_not else None,
        )


def run_page(page: Path, folder: Path) -> None:
    """Run what the page shows; whatever fails is raised as it came."""
    blocks = list(find_blocks(page.read_text(encoding="utf-8")))
    _refuse_silence(page, blocks)
    to_run = [block for block in blocks if block.why_not is None]
    # The page is the program: what it defines at the top lives in __main__.
    program = types.ModuleType("__main__")
    sys.modules["__main__"] = program
    sys.path[0] = str(folder)
    with asyncio.Runner() as runner:
        for block in to_run:
            _run(block, page=page, folder=folder, program=program, runner=runner)
    _run_tests([block for block in to_run if block.is_test], folder)
    sys.stdout.write(f"{page.name}: {len(to_run)} of {len(blocks)} blocks ran\n")


def _refuse_silence(page: Path, blocks: list[Block]) -> None:
    for block in blocks:
        if block.why_not == "":
            msg = f"{page}:{block.line}: 'not run' without a reason"
            raise ValueError(msg)


def _run(
    block: Block,
    *,
    page: Path,
    folder: Path,
    program: types.ModuleType,
    runner: asyncio.Runner,
) -> None:
    if block.file is None:
        _execute(block, page, program.__dict__, runner)
        return
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.source, encoding="utf-8")
    importlib.invalidate_caches()
    if not block.is_test:
        importlib.import_module(".".join(Path(block.file).with_suffix("").parts))


def _execute(
    block: Block, page: Path, namespace: dict[str, Any], runner: asyncio.Runner
) -> None:
    code = compile(
        _padded(block), str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, namespace)
        return
    runner.run(_awaited(types.FunctionType(code, namespace)))


async def _awaited(function: Any) -> None:
    await function()


def _padded(block: Block) -> str:
    # A traceback then shows the line of the page.
    return "\n" * (block.line - 1) + block.source


def _run_tests(blocks: list[Block], folder: Path) -> None:
    if not blocks:
        return
    names = [block.file for block in blocks if block.file]
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, *names]
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    run_page(Path(sys.argv[1]).resolve(), Path.cwd())
