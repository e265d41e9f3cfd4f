from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

import lagom

from jtc.jobs.errors import ContainerNotSet, NotAContainer

T = TypeVar("T")


@runtime_checkable
class Container(Protocol):
    """Whatever can make an instance of a type, with all that the type depends on."""

    def resolve(self, dep_type: type[T], /) -> T:
        """Return an instance of `dep_type`, or an awaitable of one."""
        ...


@runtime_checkable
class ScopedContainer(Container, Protocol):
    """A container that closes what it has made for one attempt."""

    def enter_scope(self) -> AbstractAsyncContextManager[Container]:
        """Open a scope; its exit closes what was made and is given the error."""
        ...


class AsyncContainer(Protocol):
    """What dishka's `AsyncContainer` is seen as: only that class is taken for it."""

    def __call__(self) -> Any:
        """Return a container of the next scope."""
        ...

    async def get(self, dependency_type: type[T], /) -> T:
        """Return an instance of `dependency_type`."""
        ...


AnyContainer = Container | AsyncContainer


def default_container() -> lagom.Container:
    """Make a container that wires concrete classes by their type hints.

    Example:
        >>> class Mailer: ...
        >>> class Newsletter:
        ...     def __init__(self, mailer: Mailer) -> None:
        ...         self.mailer = mailer
        >>> type(default_container().resolve(Newsletter).mailer).__name__
        'Mailer'
    """
    return lagom.Container()


def set_container(container: AnyContainer | None) -> None:
    """Let jobs and tasks get their services from `container`; None unsets it.

    Args:
        container: One of lagom's, dishka's `AsyncContainer`, or anything with
            `resolve`.

    Raises:
        NotAContainer: It is none of these.
    """
    global _container  # noqa: PLW0603 - a process has one, as the API promises
    if container is not None and not (
        isinstance(container, Container) or is_dishka(container)
    ):
        raise NotAContainer(container)
    _container = container


def get_container() -> Any:
    """Return the container that serves the jobs of this process, as it was set.

    Raises:
        ContainerNotSet: None was set.
    """
    if _container is None:
        raise ContainerNotSet
    return _container


def current_container() -> AnyContainer | None:
    """Return the container of this process, None if none was set."""
    return _container


def ensure_container() -> None:
    """Set the default container unless one was set."""
    if _container is None:
        set_container(default_container())


def is_dishka(container: object) -> bool:
    """Tell whether this is dishka's `AsyncContainer`, without importing dishka."""
    # Whoever made one has imported it.
    dishka = sys.modules.get("dishka")
    return dishka is not None and isinstance(container, dishka.AsyncContainer)


_container: AnyContainer | None = None
