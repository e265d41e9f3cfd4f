from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Reply = TypeVar("Reply")

Listener = Callable[[Reply | None, BaseException | None], None]
"""Called with the reply to an item, or with what ended the call that carried it."""


class GroupCommit(Generic[Item, Reply]):
    """Sends items in groups: what arrives during a call goes out in the next.

    A lone item is sent at once, so latency at rest is one round trip; under load a call
    carries many, so the cost of one falls.

    Args:
        send: Sends a group and returns one reply for each item, in order.
        limit: How many items a call may carry.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Reply]]],
        *,
        limit: int = 500,
    ) -> None:
        self._send = send
        self._limit = limit
        self._waiting: list[tuple[Item, Listener[Reply]]] = []
        self._sender: asyncio.Task[None] | None = None

    def submit(self, item: Item) -> asyncio.Future[Reply]:
        """Add `item` to the next group; the future gets its reply or an error."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.post(item, partial(_resolve, future))
        return future

    def post(self, item: Item, listener: Listener[Reply]) -> None:
        """Add `item` to the next group; cheaper than a future for each of many."""
        self._waiting.append((item, listener))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                group = self._waiting[: self._limit]
                del self._waiting[: self._limit]
                await self._send_group(group)
        finally:
            self._sender = None

    async def _send_group(self, group: list[tuple[Item, Listener[Reply]]]) -> None:
        try:
            replies = await self._send([item for item, _ in group])
        except (Exception, asyncio.CancelledError) as error:
            for _, listener in group:
                listener(None, error)
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        for (_, listener), reply in zip(group, replies, strict=True):
            listener(reply, None)


def _resolve(
    future: asyncio.Future[Any], reply: object, error: BaseException | None
) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(reply)
    elif isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(error)
