from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jtc.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "packages").glob("jtc-*/README.md"),
    ]
)
FENCE = re.compile(
    r"^ *```(console|bash|sh|shell)\b[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL
)
OPERATORS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    commands = find_commands(page.read_text(encoding="utf-8"))

    complaints = [complaint for words in commands if (complaint := complain(words))]

    assert complaints == []


def test_the_two_commands_of_the_readme_are_its_whole_try_it_section() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Try it\n")[1].split("\n## ")[0]

    assert [" ".join(words) for words in find_commands(section)] == [
        "pip install hatch",
        "hatch run demo",
        "pip install hatch",
        "hatch run test",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```console\n$ jtc --version\njtc 0.1.0\n```\n", [["jtc", "--version"]]),
        ("```bash\n# a remark\njtc --help\n```\n", [["jtc", "--help"]]),
        ("```sh\nREDIS_URL=x jtc a | jq .  # why\n```\n", [["jtc", "a"], ["jq", "."]]),
        ("```console\n$ jtc a \\\n    --b\n```\n", [["jtc", "a", "--b"]]),
        ("    ```console\n    $ jtc 'a b'\n    ```\n", [["jtc", "a b"]]),
        ("```text\n$ jtc a\n```\n", []),
    ],
)
def test_commands_are_found(text: str, words: list[list[str]]) -> None:
    assert list(find_commands(text)) == words


@pytest.mark.parametrize(
    "line",
    ["jtc queue wrok", "ftf queue work --nope", "hatch run nope", "hatch run a:b"],
)
def test_a_command_that_does_not_exist_is_complained_about(line: str) -> None:
    assert line in str(complain(line.split()))


@pytest.mark.parametrize(
    "line",
    ["jtc --version", "hatch run test -x", "hatch run lint:check", "redis-cli ping"],
)
def test_a_command_that_exists_is_left_alone(line: str) -> None:
    assert complain(line.split()) is None


def find_commands(text: str) -> Iterator[list[str]]:
    """Yield the commands that a page tells its reader to type, word by word."""
    for kind, body in FENCE.findall(text):
        for line in body.replace("\\\n", " ").splitlines():
            yield from _commands(_typed(kind, line.strip()))


def complain(words: list[str]) -> str | None:
    """Say what is wrong with a command of ours; others are none of our business."""
    match words:
        case ["jtc" | "ftf" as program, *rest]:
            return _complain_of_program(program, tuple(rest))
        case ["hatch", "run", script, *_]:
            return (
                None if script in _scripts() else f"{' '.join(words)}: no such script"
            )
    return None


def _typed(kind: str, line: str) -> str:
    if kind != "console":
        return line
    return line[2:] if line.startswith("$ ") else ""


def _commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word in OPERATORS:
            yield words
            words = []
        elif words or not re.match(r"[A-Z_]+=", word):
            words.append(word)
    if words:
        yield words


@cache
def _complain_of_program(program: str, arguments: tuple[str, ...]) -> str | None:
    # --help ends the program after the options before it have been looked up.
    done = CliRunner().invoke(app, [*arguments, "--help"], prog_name=program)
    if done.exit_code == 0:
        return None
    return f"{program} {' '.join(arguments)}: {done.output.strip()}"


def _scripts() -> set[str]:
    environments = tomllib.loads((ROOT / "hatch.toml").read_text("utf-8"))["envs"]
    named = {
        f"{name}:{script}"
        for name, environment in environments.items()
        for script in environment.get("scripts", ())
    }
    return named | set(environments["default"]["scripts"])
