from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints


class SecretMark:
    """What tells the type of a secret from that of any other value."""

    def __repr__(self) -> str:
        return "Secret"


T = TypeVar("T")

Secret = Annotated[T, SecretMark()]
"""The type of a value that is shown nowhere: `Secret[str]` is `str` to a type checker.

For the payload fields of a job and the parameters of a task's function. A field that
has a secret anywhere inside is masked as a whole.
"""

# As it is written where a type cannot be resolved.
_WRITTEN = re.compile(r"\bSecret\s*\[")


def secret_parameters(func: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters of a function in whose values there is a secret.

    Example:
        >>> async def sync(ctx, *, region: str, token: Secret[str]) -> None: ...
        >>> secret_parameters(sync)
        ('token',)
    """
    while isinstance(func, partial):
        func = func.func
    body = func if inspect.isroutine(func) else type(func).__call__
    return tuple(name for name, hint in _hints_of(body) if holds_secret(hint))


def holds_secret(hint: Any) -> bool:
    """Tell whether a value of a type is a secret, or has one anywhere inside.

    Example:
        >>> holds_secret(dict[str, Secret[str] | None]), holds_secret(list[str])
        (True, False)
    """
    return _holds(hint, set())


def _holds(hint: Any, seen: set[int]) -> bool:
    if isinstance(hint, str):
        return _WRITTEN.search(hint) is not None
    if isinstance(hint, SecretMark):
        return True
    if id(hint) in seen:
        return False  # a type that contains itself
    seen.add(id(hint))
    return any(_holds(part, seen) for part in _parts(hint))


def _parts(hint: Any) -> Iterator[Any]:
    yield from get_args(hint)
    # What `type X = ...` and `NewType` stand for.
    for alias in ("__value__", "__supertype__", "__forward_arg__"):
        if (meant := getattr(hint, alias, None)) is not None:
            yield meant
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and kind.__module__ != "builtins":
        yield from (part for _, part in _hints_of(kind))
        # A generic model of pydantic knows its arguments, its annotations do not.
        for field in _model_fields(kind):
            yield field.annotation
            yield from field.metadata


def _model_fields(kind: type) -> Iterator[Any]:
    fields = getattr(kind, "__pydantic_fields__", {})
    return iter(fields.values() if isinstance(fields, dict) else ())


def _hints_of(owner: Any) -> list[tuple[str, Any]]:
    try:
        return list(get_type_hints(owner, include_extras=True).items())
    except Exception:
        # It names what is imported for type checking only: as it is written, then.
        owners = owner.__mro__ if isinstance(owner, type) else (owner,)
        written = [getattr(one, "__annotations__", {}) for one in owners]
        return [pair for one in written for pair in one.items()]
