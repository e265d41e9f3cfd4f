from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import lagom

from jtc.jobs.errors import ContainerNotSet

T = TypeVar("T")


@runtime_checkable
class Container(Protocol):
    """Whatever can make an instance of a type, with all that the type depends on."""

    def resolve(self, dep_type: type[T], /) -> T:
        """Return an instance of `dep_type`, or an awaitable of one."""
        ...


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


def set_container(container: Container | None) -> None:
    """Let jobs be built by `container` in this process; None unsets it."""
    global _container  # noqa: PLW0603 - a process has one, as the API promises
    _container = container


def get_container() -> Container:
    """Return the container that builds the jobs of this process.

    Raises:
        ContainerNotSet: None was set.
    """
    if _container is None:
        raise ContainerNotSet
    return _container


_container: Container | None = None
