from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Reply = TypeVar("Reply")


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
        self._waiting: list[tuple[Item, asyncio.Future[Reply]]] = []
        self._sender: asyncio.Task[None] | None = None

    def submit(self, item: Item) -> asyncio.Future[Reply]:
        """Add `item` to the next group; the future gets its reply or an error."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        return future

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                group = self._waiting[: self._limit]
                del self._waiting[: self._limit]
                await self._send_group(group)
        finally:
            self._sender = None

    async def _send_group(
        self, group: list[tuple[Item, asyncio.Future[Reply]]]
    ) -> None:
        try:
            replies = await self._send([item for item, _ in group])
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), reply in zip(group, replies, strict=True):
            if not future.done():
                future.set_result(reply)
