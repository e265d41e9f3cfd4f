from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "packages").glob("jtc-*/README.md"),
    ]
)
PATIENCE = 60.0

CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
TITLED = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
MESSAGE = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
INTERRUPT = "^C"
ANYTHING = "..."

# What differs from run to run, and what a page shows in its place does not matter.
VARIABLE = (
    (
        re.compile(
            r"([A-Z][a-z]{2} )?\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( [A-Z]{3,4}\b)?"
        ),
        "<moment>",
    ),
    (re.compile(r"\bin \d+ (s|min|h|d)\b"), "in <wait>"),
    (re.compile(r"\b(just now|\d+ (s|min|h|d) ago)\b"), "<age>"),
    (re.compile(r"\b\d+(\.\d)? (ms|s)\b"), "<duration>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d{4})"), "<moment>"),
    (re.compile(r"([A-Z][a-z]{2} \d\d )?\d\d:\d\d(:\d\d)?"), "<time>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"Error \d+ "), "Error <number> "),
    # In the words of either event loop.
    (re.compile(r"Connect call failed \(.*?\)|Connection refused"), "<refused>"),
    (re.compile(r"Valkey \d+\.\d+\.\d+"), "Valkey <version>"),
    (re.compile(r"(Event loop +)(uvloop [\d.]+|asyncio)"), r"\1<loop>"),
    (re.compile(r"[─]+"), "─"),
    (re.compile(r"[ ]+"), " "),
)
PLACEHOLDER = re.compile(r"%(?:\.\d)?[sdfgr]")


@dataclass(frozen=True)
class Transcript:
    """One command of a page and what the page says that it writes."""

    page: Path
    command: str
    expected: list[str]

    def __str__(self) -> str:
        return f"{self.page.name}: {self.command}"


def find_sessions(page: Path, text: str) -> Iterator[list[Transcript]]:
    """Yield the commands of each block below which the page shows output."""
    for block in CONSOLE.findall(text):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        lines = [part.rstrip().splitlines() for part in parts]
        session = [Transcript(page, line[0], line[1:]) for line in lines if line[1:]]
        if session:
            yield session


def find_messages(text: str) -> list[str]:
    """Return the messages that a page quotes, each in a `text` block."""
    return [message.strip() for message in MESSAGE.findall(text)]


SESSIONS = [s for page in PAGES for s in find_sessions(page, page.read_text("utf-8"))]
MESSAGES = [
    (page.name, message)
    for page in PAGES
    if page.parent.name == "docs"
    for message in find_messages(page.read_text("utf-8"))
]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: str(session[0]))
def test_the_commands_of_a_block_write_what_the_page_shows(
    session: list[Transcript], tmp_path: Path, user_environment: dict[str, str]
) -> None:
    write_titled_blocks(session[0].page.read_text("utf-8"), tmp_path)
    for transcript in session:
        check(transcript, tmp_path, user_environment)


def check(transcript: Transcript, folder: Path, environment: dict[str, str]) -> None:
    """Type one command and compare what it writes; others may have been before it."""
    program = Program(transcript.command, folder, environment)

    try:
        program.run(transcript.expected)
    finally:
        program.kill()

    assert matches(transcript.expected, program.written()), program.text()


@pytest.mark.parametrize(("page", "message"), MESSAGES)
def test_a_message_that_a_page_quotes_is_one_that_the_code_writes(
    page: str, message: str
) -> None:
    # Some are put together from a place and what is wrong there.
    forms = (message, message.partition(": ")[2])

    assert any(t.fullmatch(form) for t in message_templates() for form in forms)


@pytest.mark.parametrize(
    ("expected", "written", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        (["a"], ["a", "b"], False),
        (["a", "...", "b"], ["a", "x", "y", "b"], True),
        (["a", "...", "b"], ["a", "x", "y"], False),
        (["a", "^C", "b"], ["a", "b"], True),
        (["at 10:00:00 on 127.0.0.1:1"], ["at 11:22:33 on 127.0.0.1:4711"], True),
        (["┌──┐ next Nov 29 00:00"], ["┌────┐ next 00:00:00"], True),
        (
            ["due in 4 min at Mon 2026-03-02 09:00:00 CET"],
            ["due in 2 d at Sat 2026-10-31 09:00:00 CEST"],
            True,
        ),
        (["ran 2 h ago in 4 ms"], ["ran just now in 1.2 s"], True),
        (["ran 2 h ago"], ["failed 2 h ago"], False),
        (["Valkey 9.1.2, 3 tasks"], ["Valkey 9.2.0, 4 tasks"], False),
    ],
)
def test_output_is_compared_but_for_what_varies(
    expected: list[str], written: list[str], same: bool
) -> None:
    assert matches(expected, written) is same


class Program:
    """A command of a page, run by a shell in the reader's folder."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str]) -> None:
        scripts = sysconfig.get_path("scripts")
        path = f"{scripts}{os.pathsep}{environment['PATH']}"
        self._output = folder / ".output"
        self._folder = folder
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=folder,
                env=environment | {"PATH": path, "NO_COLOR": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def run(self, expected: list[str]) -> None:
        """Interrupt it once it has written what comes before the interrupt."""
        if INTERRUPT in expected:
            before = expected[: expected.index(INTERRUPT)]
            self._wait_for([*before, ANYTHING])
            self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def text(self) -> str:
        text = self._output.read_text(encoding="utf-8")
        return text.replace(str(self._folder), "/home/ada/project")

    def written(self) -> list[str]:
        return self.text().splitlines()

    def _wait_for(self, expected: list[str]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not matches(expected, self.written()):
            assert self._process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)


def write_titled_blocks(text: str, folder: Path) -> None:
    for name, source in TITLED.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def matches(expected: list[str], written: list[str]) -> bool:
    """Compare lines; `...` stands for any number of them, and `^C` is none."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == ANYTHING else re.escape(_stable(line)) + r"\n"
        for line in expected
        if line != INTERRUPT
    )
    lines = "".join(f"{_stable(line)}\n" for line in written)
    return re.fullmatch(pattern, lines) is not None


@cache
def message_templates() -> list[re.Pattern[str]]:
    """Return a pattern for each text in the sources that is long enough to tell."""
    sources = (ROOT / "packages").glob("jtc-*/src/jtc/**/*.py")
    trees = [ast.parse(path.read_text("utf-8")) for path in sources]
    texts = [text for tree in trees for node in ast.walk(tree) if (text := _text(node))]
    return [
        re.compile(".+".join(map(re.escape, parts)), re.DOTALL)
        for parts in texts
        if len("".join(parts)) > 10
    ]


def _text(node: ast.AST) -> list[str] | None:
    """Return the fixed parts of a string; between them stands what is filled in."""
    if isinstance(node, ast.JoinedStr):
        values = [v.value if isinstance(v, ast.Constant) else None for v in node.values]
        whole = "".join("%s" if v is None else str(v) for v in values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        whole = node.value
    else:
        return None
    return PLACEHOLDER.split(whole)


def _stable(line: str) -> str:
    for pattern, name in VARIABLE:
        line = pattern.sub(name, line)
    return line.strip()
