from __future__ import annotations

from collections.abc import Iterable

from jtc.queue.errors import DuplicateFunction, UnnamedFunction
from jtc.queue.threads import Function


def function_table(
    functions: Iterable[Function | tuple[str, Function]],
) -> dict[str, Function]:
    """Return functions by the names that jobs call them by.

    Raises:
        UnnamedFunction: One is an object without a name and was given without one.
        DuplicateFunction: Two have the same name.

    Example:
        >>> function_table([print, ("say", print)])
        {'print': <built-in function print>, 'say': <built-in function print>}
    """
    table: dict[str, Function] = {}
    for given in functions:
        name, function = given if isinstance(given, tuple) else (_name_of(given), given)
        if table.setdefault(name, function) is not function:
            raise DuplicateFunction(name)
    return table


def _name_of(function: Function) -> str:
    name = getattr(function, "__qualname__", None)
    if not isinstance(name, str):
        raise UnnamedFunction(function)
    return name
