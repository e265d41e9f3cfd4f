from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each layer imports only from those to its right.
LAYERS = [
    "jtc.fixtures",
    "jtc.testing",
    "jtc.cli",
    "jtc.dashboard",
    "jtc.providers",
    "jtc.metrics",
    "jtc.telemetry",
    "jtc.outbox",
    "jtc.jobs",
    "jtc.events",
    "jtc.queue",
    "jtc.schedule",
]
SOURCES = sorted((ROOT / "packages").glob("jtc-*/src"))
MODULES = sorted(
    (path, ".".join(path.relative_to(source).with_suffix("").parts))
    for source in SOURCES
    for path in source.rglob("*.py")
)


def test_every_part_of_the_namespace_has_its_place_in_the_order() -> None:
    parts = {".".join(module.split(".")[:2]) for _, module in MODULES}

    assert parts == set(LAYERS)


@pytest.mark.parametrize(("path", "module"), MODULES, ids=[m for _, m in MODULES])
def test_a_module_imports_only_from_the_layers_to_its_right(
    path: Path, module: str
) -> None:
    assert wrong_imports(path.read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("jtc.schedule.task", "import jtc.queue", "jtc.queue"),
        ("jtc.schedule.task", "from jtc import queue", "jtc.queue"),
        ("jtc.schedule.task", "from jtc.queue.worker import Worker", "jtc.queue"),
        ("jtc.schedule.task", "import msgspec", "msgspec"),
        ("jtc.schedule.task", "from cronsim import CronSim", "cronsim"),
        ("jtc.schedule.__init__", "from ..queue import Worker", "jtc.queue"),
        ("jtc.queue.worker", "from jtc.jobs import Job", "jtc.jobs"),
        ("jtc.queue.worker", "from ..jobs import Job", "jtc.jobs"),
        ("jtc.queue.worker", "from .. import jobs", "jtc.jobs"),
        ("jtc.jobs.job", "import jtc.providers.queue_provider", "jtc.providers"),
        ("jtc.providers.queue_provider", "import jtc.cli", "jtc.cli"),
        ("jtc.cli.commands.queue", "from ... import nowhere", "jtc.nowhere"),
        ("jtc.jobs.manager", "from jtc.testing import fake_queue", "jtc.testing"),
        ("jtc.cli.main", "import jtc.testing", "jtc.testing"),
        ("jtc.queue.worker", "def f():\n    import jtc.cli.main", "jtc.cli"),
        (
            "jtc.queue.worker",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import jtc.jobs",
            "jtc.jobs",
        ),
        (
            "jtc.queue.worker",
            "import importlib\nimportlib.import_module('jtc.jobs.job')",
            "jtc.jobs",
        ),
        ("jtc.queue.worker", "__import__('jtc.jobs')", "jtc.jobs"),
    ],
)
def test_an_import_against_the_arrows_is_found(
    module: str, source: str, wrong: str
) -> None:
    assert wrong_imports(source, module) == [wrong]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("jtc.schedule.task", "import zoneinfo\nfrom collections.abc import Callable"),
        ("jtc.schedule.task", "from .errors import InvalidTask"),
        ("jtc.schedule.__init__", "from .errors import InvalidTask"),
        ("jtc.schedule.task", "from jtc.schedule.errors import InvalidTask"),
        ("jtc.queue.worker", "import saq\nfrom jtc.schedule import ScheduledTask"),
        ("jtc.cli.commands.queue", "from jtc.providers import QueueProvider"),
        ("jtc.cli.commands.queue", "from ..output import say"),
        ("jtc.cli.user_traceback", "import jtc"),
        ("jtc.jobs.runner", "import importlib\nimportlib.import_module(name)"),
    ],
)
def test_an_import_along_the_arrows_is_left_alone(module: str, source: str) -> None:
    assert wrong_imports(source, module) == []


def wrong_imports(source: str, module: str) -> list[str]:
    """Name what `module` imports and may not: parts of jtc by their first two words."""
    layer = ".".join(module.split(".")[:2])
    allowed = LAYERS[LAYERS.index(layer) :]
    imported = [
        name for node in ast.walk(ast.parse(source)) for name in _names(node, module)
    ]
    ours = [".".join(name.split(".")[:2]) for name in imported if _is_ours(name)]
    wrong = [name for name in ours if name not in allowed]
    if layer == "jtc.schedule":
        others = {name.split(".")[0] for name in imported if not _is_ours(name)}
        wrong += sorted(others - sys.stdlib_module_names - {"jtc"})
    return sorted(set(wrong))


def _is_ours(name: str) -> bool:
    return name.startswith("jtc.")


def _names(node: ast.AST, module: str) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=origin, names=names, level=level):
            start = _origin(module, origin, level)
            # "from jtc import queue" names a part, not an attribute.
            yield from (f"{start}.{alias.name}" for alias in names)
        case ast.Call(
            func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            yield name


def _origin(module: str, origin: str | None, level: int) -> str:
    if level == 0:
        return origin or ""
    return ".".join([*module.split(".")[:-level], *filter(None, [origin])])
