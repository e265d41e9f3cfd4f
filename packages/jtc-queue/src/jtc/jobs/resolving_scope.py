from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from jtc.jobs.container import Container, ScopedContainer
from jtc.jobs.errors import ContainerNotSet
from jtc.jobs.scope import Scope, make

T = TypeVar("T")


class ResolvingScope(Scope):
    """Makes the services of one attempt by anything with `resolve`.

    Args:
        container: If it has `enter_scope`, what that gives is asked for the services.
    """

    __slots__ = ("_asked", "_container", "_entered")

    def __init__(self, container: Container) -> None:
        self._container = container
        self._asked: Container | None = None
        self._entered: AbstractAsyncContextManager[Container] | None = None

    @property
    def is_open(self) -> bool:
        """Whether something was made that may have to be closed."""
        return self._entered is not None

    async def get(self, wanted: type[T]) -> T:
        """Return an instance of `wanted`.

        Raises:
            Exception: Whatever the container raised.
        """
        return await make(self._asked or await self._ask(), wanted)

    async def _ask(self) -> Container:
        asked = self._container
        if isinstance(asked, ScopedContainer):
            entered = asked.enter_scope()
            asked = await entered.__aenter__()
            self._entered = entered
        self._asked = asked
        return asked

    async def _close(self, error: BaseException | None) -> None:
        entered, self._entered = self._entered, None
        if entered is None:
            return
        trace = None if error is None else error.__traceback__
        await entered.__aexit__(None if error is None else type(error), error, trace)


class NoScope(Scope):
    """Makes nothing, for no container was set."""

    __slots__ = ()

    async def get(self, wanted: type[T]) -> T:  # noqa: ARG002 - nothing is made
        """Refuse.

        Raises:
            ContainerNotSet: Always.
        """
        raise ContainerNotSet
