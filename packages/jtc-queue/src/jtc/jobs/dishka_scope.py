from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from jtc.jobs.dishka_graph import DishkaGraph, key_of
from jtc.jobs.scope import Scope

T = TypeVar("T")


class DishkaScope(Scope):
    """Makes the services of one attempt in a REQUEST scope of dishka's.

    Args:
        container: The `AsyncContainer` of the scope above, as it was set.
    """

    __slots__ = ("_container", "_request")

    makes_any_class = False

    def __init__(self, container: Any) -> None:
        self._container = container
        self._request: Any = None

    @property
    def is_open(self) -> bool:
        """Whether something was made that may have to be closed."""
        return self._request is not None

    async def get(self, wanted: type[T]) -> T:
        """Return an instance of `wanted`.

        Raises:
            Exception: Whatever the container raised.
        """
        if self._request is None:
            self._request = self._container()
        key = key_of(wanted)
        made: T = await self._request.get(key.type_hint, component=key.component)
        return made

    def flaws(self, wanted: Any) -> list[str]:
        """Say what stands against making `wanted`, by what the providers offer."""
        return DishkaGraph(self._container()).flaws(wanted)

    async def _close(self, error: BaseException | None) -> None:
        request, self._request = self._request, None
        failure: BaseException | None = None
        is_done = request is None
        while not is_done:
            is_done = True
            try:
                await request.close(exception=error)
            except asyncio.CancelledError as signal:
                # What is left, it goes on with when it is called again.
                failure, is_done = signal, False
            except ExceptionGroup as group:
                failure = failure or _only(group)
        if failure is not None:
            raise failure


def _only(group: ExceptionGroup[Exception]) -> Exception:
    """Return the error of a group of one: what becomes of a job is judged by it."""
    return group.exceptions[0] if len(group.exceptions) == 1 else group
