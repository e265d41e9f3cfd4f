from __future__ import annotations

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from jtc.queue.errors import ThreadStillRuns
from jtc.queue.job_fields import shown_error

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that closing may take after an attempt was canceled or its time was up."""


class Scope(ABC):
    """Makes the services of one attempt, and closes them at its end."""

    __slots__ = ()

    makes_any_class = True
    """Whether it also makes classes that nobody has told the container of."""

    @property
    def is_open(self) -> bool:
        """Whether something was made that may have to be closed."""
        return False

    @abstractmethod
    async def get(self, wanted: type[T]) -> T:
        """Return an instance of `wanted`.

        Raises:
            ContainerNotSet: No container was set.
            Exception: Whatever the container raised.
        """

    async def close(self, error: BaseException | None = None) -> None:
        """Close what was made, the last first; there is something if `is_open`.

        Args:
            error: What the attempt ended with. It is what counts then: an error of
                closing is logged.

        Raises:
            Exception: Whatever closing raised after a success.
        """
        if error is None:
            await self._close_after_success()
        elif isinstance(error, ThreadStillRuns) and error.ended is not None:
            # The thread still uses what would be closed.
            closing = asyncio.create_task(self._close_later(error.ended, error))
            _late.add(closing)
            closing.add_done_callback(_late.discard)
        else:
            await self._close_after(error)

    def wires(self, wanted: type[Any]) -> bool:  # noqa: ARG002 - for those that can tell
        """Tell whether `wanted` is called with what its type hints ask for.

        Then nobody has said otherwise, and who knows the hints can do it as well.
        """
        return False

    def flaws(self, wanted: Any) -> Sequence[str] | None:  # noqa: ARG002 - as explain
        """Say what stands against making `wanted`, without making anything.

        Returns:
            None where nobody can look into the container.
        """
        return None

    def explain(self, wanted: Any, error: Exception) -> str | None:  # noqa: ARG002 - for those that can tell
        """Say why `wanted` could not be made, if more can be told than `error` says."""
        return None

    async def _close(self, error: BaseException | None) -> None:  # noqa: B027 - not all keep something
        """Close what was made, the last first, even if it is canceled meanwhile."""

    async def _close_after_success(self) -> None:
        try:
            await self._close(None)
        except Exception as error:
            error.add_note(
                "It was raised while the services of the attempt were closed."
            )
            raise

    async def _close_after(self, error: BaseException) -> None:
        was_stopped = isinstance(error, asyncio.CancelledError)
        try:
            # Who was stopped for its time has none left that would bound this.
            async with asyncio.timeout(PATIENCE if was_stopped else None):
                await self._close(error)
        except (Exception, SystemExit) as another:
            if another is not error:
                _log(error, another)

    async def _close_later(
        self, ended: asyncio.Future[Any], error: BaseException
    ) -> None:
        await asyncio.wait([ended])
        await self._close_after(error)


async def make(container: Any, wanted: type[T]) -> T:
    """Return what `container.resolve` gives, awaited if it is to be."""
    made: T | Awaitable[T] = container.resolve(wanted)
    # Before the question that takes longer: nearly always it is what was wanted.
    if type(made) is wanted:
        return made
    return await made if inspect.isawaitable(made) else made


def _log(error: BaseException, another: BaseException) -> None:
    logger.error(
        "Closing the services of an attempt that ended with %s failed too.",
        type(error).__name__,
        exc_info=shown_error(another),
        extra={"action": "scope_close_failed"},
    )


_late: set[asyncio.Task[None]] = set()
