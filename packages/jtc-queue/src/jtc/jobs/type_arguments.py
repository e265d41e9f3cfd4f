from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

Arguments = Mapping[Any, Any]


def arguments_of(kind: type[Any]) -> dict[type[Any], Arguments]:
    """Return what a class and its bases put in for the type variables of each base.

    Example:
        >>> from typing import Generic
        >>> T = TypeVar("T")
        >>> class Import(Generic[T]): ...
        >>> class Numbers(Import[int]): ...
        >>> arguments_of(Numbers)[Import]
        {~T: <class 'int'>}
    """
    found: dict[type[Any], Arguments] = {}
    # Subclasses come first: theirs are known when a base hands them on to its own.
    for owner in kind.__mro__:
        for base in vars(owner).get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and origin in kind.__mro__:
                given = (bind(one, found.get(owner, {})) for one in get_args(base))
                variables = getattr(origin, "__parameters__", ())
                found.setdefault(origin, dict(zip(variables, given, strict=False)))
    return found


def bind(hint: Any, arguments: Arguments) -> Any:
    """Return a type with `arguments` in place of its variables.

    Example:
        >>> T = TypeVar("T")
        >>> bind(list[T], {T: int}), bind(T, {}), bind(str, {T: int})
        (list[int], ~T, <class 'str'>)
    """
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    variables = getattr(hint, "__parameters__", ())
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint  # a class that has variables, without arguments for them
    if not any(variable in arguments for variable in variables):
        return hint
    return hint[tuple(arguments.get(one, one) for one in variables)]
