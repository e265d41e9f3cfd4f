from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(ROOT.glob("packages/*/src/**/*.py"))
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_each_record_of_ours_has_an_action(path: Path) -> None:
    assert list(records_without_action(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "call",
    [
        'logger.info("Sent.")',
        'logger.error("No.", extra={"job_id": 1})',
        'logging.getLogger("x").warning("No.", exc_info=True)',
        'self._logger.log(level, "No.", extra=fields)',
    ],
)
def test_a_record_without_an_action_is_found(call: str) -> None:
    assert list(records_without_action(call)) == [1]


@pytest.mark.parametrize(
    "call",
    [
        'logger.info("Sent.", extra={"action": "sent", "n": 1})',
        'logger.info("Sent.", extra=_about("sent", job))',
        "math.log(2)",
    ],
)
def test_other_calls_are_let_through(call: str) -> None:
    assert list(records_without_action(call)) == []


def records_without_action(source: str) -> Iterator[int]:
    """Yield the lines where something is logged that has no stable name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _is_record(node.func) and not _is_named(node):
            yield node.lineno


def _is_record(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute) or function.attr not in METHODS:
        return False
    return "log" in ast.unparse(function.value).lower()


def _is_named(call: ast.Call) -> bool:
    extra = next((one.value for one in call.keywords if one.arg == "extra"), None)
    if isinstance(extra, ast.Dict):
        names = [key.value for key in extra.keys if isinstance(key, ast.Constant)]
        return "action" in names
    # A function that makes it is given the action first.
    return isinstance(extra, ast.Call) and ast.unparse(extra.func) == "_about"
