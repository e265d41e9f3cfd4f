from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = sorted(
    f"jtc.{path.name}"
    for path in (ROOT / "packages").glob("jtc-*/src/jtc/*/")
    if path.name != "__pycache__"
)
REFERENCE = ROOT / "docs" / "reference.md"


@pytest.fixture(params=LEAVES)
def leaf(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_shop_window_is_in_order_and_without_doubles(leaf: str) -> None:
    names = importlib.import_module(leaf).__all__

    assert list(names) == sorted(set(names))


def test_everything_in_the_window_is_there_and_documented(leaf: str) -> None:
    module = importlib.import_module(leaf)

    undocumented = [
        name
        for name in module.__all__
        if _can_have_one(thing := getattr(module, name)) and not thing.__doc__
    ]

    assert undocumented == []


def test_the_window_shows_everything_public(leaf: str) -> None:
    module = importlib.import_module(leaf)
    # Some are there at their first use.
    assert all(hasattr(module, name) for name in module.__all__)

    public = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(thing)
        and getattr(thing, "__module__", leaf) != "__future__"
    }

    assert public == set(module.__all__)


def test_the_reference_names_everything_in_the_window(leaf: str) -> None:
    section = _section(REFERENCE.read_text(encoding="utf-8"), leaf)

    named = set(re.findall(r"`(\w+)", section))

    assert set(importlib.import_module(leaf).__all__) - named == set()


def test_a_section_ends_where_the_next_one_begins() -> None:
    text = "# Reference\n## `jtc.a`\n`One`\n### Errors\n`Two`\n## `jtc.b`\n`Three`\n"

    assert _section(text, "jtc.a") == "`One`\n### Errors\n`Two`\n"
    assert _section(text, "jtc.b") == "`Three`\n"


def test_a_section_that_is_missing_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"jtc\.a"):
        _section("# Reference\n", "jtc.a")


def _can_have_one(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def _section(text: str, leaf: str) -> str:
    heading = re.compile(rf"^## `?{re.escape(leaf)}`?\s*\n", re.MULTILINE)
    found = heading.search(text)
    if found is None:
        msg = f"{REFERENCE.name} has no section '## `{leaf}`'"
        raise LookupError(msg)
    return re.split(r"^## ", text[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]
