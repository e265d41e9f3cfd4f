from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
SECTION = re.compile(r"^#{2,3} `(jtc\.[\w.]+)`$")
CALL = re.compile(r"^(\*async\* )?`([\w.]+)(\(.*\))`$")


def find_calls(text: str) -> list[tuple[str, str, bool, str]]:
    """Return module, name, whether it is awaited, and parameters of each call."""
    calls = []
    module = ""
    for line in text.splitlines():
        if section := SECTION.match(line):
            module = section[1]
        elif call := CALL.match(line):
            calls.append((module, call[2], call[1] is not None, call[3]))
    return calls


CALLS = find_calls(REFERENCE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "name", "awaited", "parameters"),
    CALLS,
    ids=[".".join(call[:2]) for call in CALLS],
)
def test_a_call_in_the_reference_is_as_the_code_has_it(
    module: str, name: str, awaited: bool, parameters: str
) -> None:
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    function = getattr(owner, last)

    assert parameters == shown_parameters(function, of=owner if path else None)
    assert awaited is inspect.iscoroutinefunction(function)


def test_calls_are_found_with_their_module() -> None:
    text = "## `jtc.a`\n\n*async* `f(x, *, y=1)`\n:   `g()`.\n### `jtc.a.b`\n`h()`\n"

    assert find_calls(text) == [
        ("jtc.a", "f", True, "(x, *, y=1)"),
        ("jtc.a.b", "h", False, "()"),
    ]


def shown_parameters(function: Callable[..., Any], *, of: object) -> str:
    """Return the parameters that a caller gives, without their types."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    # Taken from its class, a method still has its `self`.
    is_bound = inspect.ismethod(function) or "self" not in signature.parameters
    if of is not None and not is_bound:
        del parameters[0]
    return str(inspect.Signature(parameters))
