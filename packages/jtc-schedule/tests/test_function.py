from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jtc.schedule import InvalidTask
from jtc.schedule.function import (
    check_function,
    first_paragraph,
    is_async,
    own_name,
    place_of,
)


def plain(ctx: Any) -> None:
    """Do one thing."""


async def coroutine(ctx: Any) -> None:
    pass


def two(ctx: Any, extra: Any) -> None:
    pass


def yielding(ctx: Any) -> Iterator[int]:
    yield 1


async def async_yielding(ctx: Any) -> AsyncIterator[int]:
    yield 1


class Backup:
    """Copy the files."""

    def __call__(self, ctx: Any) -> None:
        pass

    def run(self, ctx: Any) -> None:
        """Copy them now."""

    @staticmethod
    def static(ctx: Any) -> None:
        pass


class AsyncBackup:
    async def __call__(self, ctx: Any) -> None:
        pass


class YieldingBackup:
    def __call__(self, ctx: Any) -> Iterator[int]:
        yield 1


class WithoutSignature:
    @property
    def __signature__(self) -> Any:
        raise NameError

    def __call__(self, ctx: Any) -> None:
        pass


def only_wraps(func: Callable[..., Any]) -> Callable[[Any], Any]:
    @functools.wraps(func)
    def wrapper(ctx: Any) -> Any:
        return func(ctx, "a service")

    return wrapper


ACCEPTED = {
    "plain": plain,
    "async": coroutine,
    "lambda": lambda ctx: None,
    "any arguments": lambda *args: None,
    "optional arguments": lambda ctx, /, more=1, *, other=2: None,
    "partial by name": functools.partial(two, extra=1),
    "partial by place": functools.partial(two, 1),
    "callable object": Backup(),
    "async callable object": AsyncBackup(),
    "bound method": Backup().run,
    "static method": Backup.static,
    "static method object": Backup.__dict__["static"],
    "wrapper": only_wraps(two),
    "compiled": max,
    "unreadable signature": WithoutSignature(),
}


@pytest.mark.parametrize("func", ACCEPTED.values(), ids=ACCEPTED)
def test_what_takes_one_positional_argument_is_accepted(func: Any) -> None:
    check_function(func)


@pytest.mark.parametrize("value", [None, 5, "text", classmethod(plain)])
def test_what_is_not_callable_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTask, match="not callable; write it as in: async def"):
        check_function(value)


@pytest.mark.parametrize(
    ("func", "shown"),
    [
        (lambda: None, r"<lambda>\(\)"),
        (lambda *, ctx: None, r"<lambda>\(\*, ctx\)"),
        (lambda **kwargs: None, r"<lambda>\(\*\*kwargs\)"),
        (two, r"\.two\(ctx: 'Any', extra: 'Any'\) -> 'None' cannot"),
        (Backup.run, r"Backup\.run\(self, ctx"),
        (functools.partial(plain, 1), r"partial\(\)"),
    ],
    ids=[
        "nothing",
        "keyword only",
        "keywords",
        "two",
        "unbound method",
        "full partial",
    ],
)
def test_another_number_of_arguments_is_refused_showing_the_signature(
    func: Any, shown: str
) -> None:
    with pytest.raises(InvalidTask, match=shown) as caught:
        check_function(func)

    assert "async def name(ctx)" in str(caught.value)


@pytest.mark.parametrize(
    "func",
    [
        yielding,
        async_yielding,
        functools.partial(yielding),
        staticmethod(yielding),
        YieldingBackup(),
    ],
    ids=["function", "async function", "partial", "static method", "callable object"],
)
def test_a_generator_is_refused(func: Any) -> None:
    with pytest.raises(InvalidTask, match="it yields"):
        check_function(func)


def test_a_class_is_refused() -> None:
    class Job:
        def __init__(self, service: Any) -> None:
            pass

    with pytest.raises(InvalidTask, match=r"Job cannot be .* it is a class"):
        check_function(Job)


@pytest.mark.parametrize(
    ("func", "name"),
    [
        (plain, "plain"),
        (Backup().run, "run"),
        (Backup.__dict__["static"], "static"),
        (only_wraps(two), "two"),
    ],
    ids=["function", "bound method", "static method", "wrapper"],
)
def test_a_function_has_the_name_it_was_defined_with(func: Any, name: str) -> None:
    assert own_name(func) == name


@pytest.mark.parametrize(
    "func", [lambda ctx: None, functools.partial(two, extra=1), Backup()]
)
def test_what_has_no_name_has_to_be_given_one(func: Any) -> None:
    with pytest.raises(InvalidTask, match=r'give it one with name="\.\.\."'):
        own_name(func)


def test_the_first_paragraph_is_joined_to_one_line() -> None:
    def documented(ctx: Any) -> None:
        """
        Send the report
            of yesterday.
        \t
        To everybody.
        """

    assert first_paragraph(documented) == "Send the report of yesterday."


@pytest.mark.parametrize(
    ("func", "description"),
    [
        (plain, "Do one thing."),
        (coroutine, ""),
        (functools.partial(plain), "Do one thing."),
        (functools.partial(coroutine), ""),
        (Backup(), "Copy the files."),
        (Backup().run, "Copy them now."),
    ],
    ids=[
        "function",
        "without docstring",
        "partial",
        "partial without docstring",
        "callable object",
        "bound method",
    ],
)
def test_the_description_is_that_of_what_is_run(func: Any, description: str) -> None:
    assert first_paragraph(func) == description


def test_a_blank_docstring_is_no_description() -> None:
    def blank(ctx: Any) -> None:
        pass

    blank.__doc__ = "  \n  "

    assert first_paragraph(blank) == ""


@pytest.mark.parametrize(
    ("func", "name", "line"),
    [
        (plain, "plain", "def plain("),
        (functools.partial(two, extra=1), "two", "def two("),
        (Backup(), "Backup", "def __call__("),
        (Backup().run, "Backup.run", "def run("),
        (only_wraps(two), "two", "def two("),
    ],
    ids=["plain", "partial", "callable object", "bound method", "wrapper"],
)
def test_a_place_names_function_file_and_line(func: Any, name: str, line: str) -> None:
    place, _, number = place_of(func).rpartition(":")

    assert place == f"{__name__}.{name}, {__file__}"
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert line in source[int(number) - 1]


def test_a_place_in_compiled_code_has_no_file() -> None:
    assert place_of(len) == "builtins.len"
    assert place_of([].append) == "list.append"


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        (plain, False),
        (coroutine, True),
        (functools.partial(coroutine), True),
        (staticmethod(coroutine), True),
        (AsyncBackup(), True),
        (Backup(), False),
        (len, False),
    ],
    ids=[
        "plain",
        "async",
        "partial",
        "static method",
        "async callable object",
        "callable object",
        "compiled",
    ],
)
def test_async_functions_are_told_from_blocking_ones(func: Any, expected: bool) -> None:
    assert is_async(func) is expected
