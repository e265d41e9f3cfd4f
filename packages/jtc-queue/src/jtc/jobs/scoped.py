from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Protocol, get_type_hints

from lagom.interfaces import ReadableContainer, SpecialDepDefinition

from jtc.jobs.errors import InvalidFactory, NotInScope


def scoped(factory: Callable[..., Any]) -> Scoped:
    """Define, for a container of lagom's, a service that lives as long as an attempt.

    It is made once for each attempt that needs it, and closed at its end.

    Args:
        factory: A generator function, plain or async, that yields the service; or
            anything else that returns it, also asynchronously. A service that is a
            context manager is entered. Parameters without a default are services
            themselves.

    Raises:
        InvalidFactory: It cannot be called so.

    Example:
        >>> import lagom
        >>> class Session: ...
        >>> async def open_session():
        ...     session = Session()
        ...     try:
        ...         yield session  # an error of the attempt is raised here
        ...     finally:
        ...         print("closed")
        >>> container = lagom.Container()
        >>> container[Session] = scoped(open_session)
    """
    return Scoped(factory)


class Scoped(SpecialDepDefinition[Any]):
    """The definition that `scoped` makes."""

    def __init__(self, factory: Callable[..., Any]) -> None:
        self._factory = factory
        self._names = _service_names(factory)

    @property
    def name(self) -> str:
        """What the factory is called."""
        return _name_of(self._factory)

    @cached_property
    def services(self) -> Mapping[str, Any]:
        """The types of the services that the factory takes, by parameter.

        Raises:
            InvalidFactory: An annotation cannot be resolved.
        """
        if not self._names:
            return {}
        try:
            hints = get_type_hints(_body_of(self._factory), include_extras=True)
        except Exception as error:
            why = f"the types of its parameters cannot be resolved ({error})"
            raise InvalidFactory(self.name, why) from error
        return {name: hints[name] for name in self._names}

    def call(self, services: Mapping[str, Any]) -> Any:
        """Return the service, or what gives it when it is awaited or entered."""
        if inspect.isasyncgenfunction(self._factory):
            return asynccontextmanager(self._factory)(**services)
        if inspect.isgeneratorfunction(self._factory):
            return contextmanager(self._factory)(**services)
        return self._factory(**services)

    def get_instance(self, container: ReadableContainer) -> Any:  # noqa: ARG002 - lagom's
        """Return what was made for the attempt that asks.

        Raises:
            NotInScope: No attempt asks.
        """
        holder = asking.get()
        if holder is None:
            raise NotInScope(self.name)
        return holder.instance_of(self)


class Holder(Protocol):
    """Keeps the services of an attempt."""

    def instance_of(self, definition: Scoped) -> Any:
        """Return what was made by `definition`."""


asking: ContextVar[Holder | None] = ContextVar("asking", default=None)
"""The attempt whose services the container makes right now."""


def _service_names(factory: Callable[..., Any]) -> list[str]:
    if not callable(factory):
        raise InvalidFactory(repr(factory), "it is not callable")
    try:
        parameters = inspect.signature(factory).parameters.values()
    except ValueError:  # from C code
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    wanted = [
        one
        for one in parameters
        if one.kind not in variadic and one.default is inspect.Parameter.empty
    ]
    for one in wanted:
        if one.annotation is inspect.Parameter.empty:
            why = f"its parameter {one.name!r} has no type to inject by"
            raise InvalidFactory(_name_of(factory), why)
    return [one.name for one in wanted]


def _name_of(factory: Any) -> str:
    name = getattr(factory, "__qualname__", type(factory).__qualname__)
    return f"{factory.__module__}.{name}"


def _body_of(factory: Any) -> Any:
    if isinstance(factory, type):
        return factory.__init__  # type: ignore[misc]  # it is read, never called
    return inspect.unwrap(factory) if inspect.isroutine(factory) else factory.__call__
