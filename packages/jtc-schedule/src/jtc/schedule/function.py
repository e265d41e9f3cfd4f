from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import partial
from itertools import takewhile
from typing import Any, Concatenate

from jtc.schedule.errors import InvalidTask
from jtc.schedule.services import service_names

TaskFunction = Callable[Concatenate[Any, ...], Any]
"""Called with the context, and with payload and services as keyword arguments."""

_EXPECTED = "write it as in: async def name(ctx)"


def check_function(func: TaskFunction, payload: Collection[str] = ()) -> None:
    """Refuse what a worker could not call with a context and a payload.

    Args:
        func: What a worker will call.
        payload: The names of the keyword arguments that it will be given.

    Raises:
        InvalidTask: It is not callable with one positional argument, the payload and
            services, or is a class or a generator, whose body such a call would not
            run.
    """
    if not callable(func):
        raise InvalidTask(repr(func), f"it is not callable; {_EXPECTED}")
    if isinstance(func, type):
        raise InvalidTask(_qualified_name(func), f"it is a class; {_EXPECTED}")
    if is_generator(func):
        problem = f"it yields, so that a call would not run it; {_EXPECTED}"
        raise InvalidTask(_qualified_name(func), problem)
    _check_signature(func, payload)


def own_name(func: TaskFunction) -> str:
    """Return the name a function was defined with.

    Raises:
        InvalidTask: It has none: a lambda, a partial, an object with `__call__`.
    """
    name = getattr(func, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        problem = 'it has no name of its own; give it one with name="..."'
        raise InvalidTask(_qualified_name(func), problem)
    return name


def first_paragraph(func: TaskFunction) -> str:
    """Return the first paragraph of a function's docstring as one line, or ""."""
    doc = _without_partial(func).__doc__
    lines = inspect.cleandoc(doc).strip().splitlines() if isinstance(doc, str) else []
    return " ".join(line.strip() for line in takewhile(str.strip, lines))


def place_of(func: TaskFunction) -> str:
    """Return where a function is defined, as "module.qualname, file:line"."""
    target = inspect.unwrap(_without_partial(func))
    code = getattr(target, "__code__", getattr(type(target).__call__, "__code__", None))
    name = _qualified_name(target)
    return f"{name}, {code.co_filename}:{code.co_firstlineno}" if code else name


def is_async(func: TaskFunction) -> bool:
    """Return whether a call gives a coroutine instead of blocking its thread."""
    return any(inspect.iscoroutinefunction(body) for body in _bodies(func))


def is_generator(func: Callable[..., Any]) -> bool:
    """Return whether a call gives a generator and runs nothing of the body."""
    return any(
        inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body)
        for body in _bodies(func)
    )


def accepts(func: Callable[..., Any], *arguments: object) -> bool:
    """Return whether a call with so many arguments fits, or it cannot be known."""
    signature = _signature(func)
    if signature is None:
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _check_signature(func: TaskFunction, payload: Collection[str]) -> None:
    signature = _signature(func)
    if signature is None:
        return
    names = (*payload, *service_names(func, payload))
    try:
        signature.bind(object(), **dict.fromkeys(names))
    except TypeError as error:
        place = f"{_qualified_name(func)}{signature}"
        raise _misfit(place, payload, error) from None


def _signature(func: Callable[..., Any]) -> inspect.Signature | None:
    try:
        # A decorator may well take ctx and pass on something else.
        return inspect.signature(func, follow_wrapped=False)
    except Exception:  # from C code, or annotations that cannot be evaluated
        return None


def _misfit(place: str, payload: Collection[str], error: TypeError) -> InvalidTask:
    if not payload:
        problem = (
            f"it is not callable with one argument, the context ({error}); {_EXPECTED}."
            " Further parameters have the type of a service, a default, or a value in "
            "the payload"
        )
        return InvalidTask(place, problem)
    names = ", ".join(map(repr, payload))
    problem = f"{error}; the function is called with the context and the payload"
    return InvalidTask(
        f"The payload of {names}", problem, verdict=f"does not fit {place}"
    )


def _bodies(func: TaskFunction) -> tuple[Any, Any]:
    # What a call runs: the function inside a partial or a staticmethod, or the
    # __call__ of an object's class.
    target = _without_partial(func)
    return getattr(target, "__func__", target), type(target).__call__


def _without_partial(func: Any) -> Any:
    while isinstance(func, partial):
        func = func.func
    return func


def _qualified_name(func: Any) -> str:
    name = getattr(func, "__qualname__", type(func).__qualname__)
    return f"{func.__module__}.{name}" if func.__module__ else name
