from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import jtc.schedule
from jtc.schedule import ScheduleRegistry

MODULES = [
    "jtc.schedule",
    *(f"jtc.schedule.{m.name}" for m in pkgutil.iter_modules(jtc.schedule.__path__)),
]
README = Path(__file__).parents[1] / "README.md"


def test_all_names_exactly_the_public_names() -> None:
    public = {
        name
        for name, value in vars(jtc.schedule).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and name != "annotations"
    }

    assert set(jtc.schedule.__all__) == public
    assert len(jtc.schedule.__all__) == len(public)


@pytest.mark.parametrize("name", jtc.schedule.__all__)
def test_what_is_public_has_a_docstring(name: str) -> None:
    value = getattr(jtc.schedule, name)
    has_methods = inspect.isclass(value) or value is jtc.schedule.Schedule
    members = inspect.getmembers(value) if has_methods else []
    own = [
        member
        for key, member in members
        if not key.startswith("_")
        and (inspect.isroutine(member) or isinstance(member, property))
        and key not in dir(ValueError)
    ]

    assert all(inspect.getdoc(thing) for thing in [value, *own])


@pytest.mark.parametrize("name", jtc.schedule.__all__)
def test_the_readme_names_what_is_public(name: str) -> None:
    assert re.search(rf"\b{name}\b", README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert result.failed == 0


def test_examples_are_found_in_docstrings() -> None:
    finder = doctest.DocTestFinder()
    tests = [t for m in MODULES for t in finder.find(importlib.import_module(m))]

    assert sum(len(test.examples) for test in tests) >= 15


def test_the_examples_in_the_readme_run() -> None:
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    assert len(blocks) >= 3
    for block in blocks:
        with ScheduleRegistry.scoped():
            exec(compile(block, str(README), "exec"), {"__name__": "readme"})


def test_the_package_is_one_part_of_a_namespace() -> None:
    folder = Path(jtc.schedule.__file__).parent

    assert not (folder.parent / "__init__.py").exists()
    assert (folder / "py.typed").is_file()
