from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from jtc.queue.draining import cancel_all
from jtc.queue.groups import in_groups

# Seconds of silence after which the server is asked whether it is still there.
SILENCE = 15.0
_GROUP = 1000


class Subscription:
    """A connection that is subscribed to the channels that somebody wants to hear.

    Args:
        connection: A connection of the client, for this alone.
        wanted: Which channels those are, as it changes.
        changed: Set whenever it has changed.
        hear: Told the channel and what was said, and None when it is listened to from
            now on.

    Attributes:
        channels: What is listened to from now on.
    """

    def __init__(
        self,
        connection: Any,
        wanted: Callable[[], Collection[str]],
        changed: asyncio.Event,
        hear: Callable[[str, bytes | None], None],
    ) -> None:
        self.channels: set[str] = set()
        self._connection = connection
        self._wanted = wanted
        self._changed = changed
        self._hear = hear
        self._asked: set[str] = set()
        self._unanswered = 0

    async def serve(self) -> None:
        """Listen until nobody wants to hear anything.

        The connection is then as it was before, and fit for other commands.

        Raises:
            ConnectionError: The server has gone away.
            ResponseError: It does not allow this.
        """
        steps = [asyncio.create_task(self._ask()), asyncio.create_task(self._read())]
        try:
            await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all(steps)
        for step in steps:
            if not step.cancelled():
                step.result()

    @property
    def _is_over(self) -> bool:
        return not (self._unanswered or self._asked or self._wanted())

    async def _ask(self) -> None:
        while not self._is_over:
            self._changed.clear()
            wanted = set(self._wanted())
            new, gone = wanted - self._asked, self._asked - wanted
            self._asked = wanted
            self.channels -= gone
            await self._send("SUBSCRIBE", new)
            await self._send("UNSUBSCRIBE", gone)
            if not self._is_over:
                await self._changed.wait()

    async def _read(self) -> None:
        while not self._is_over:
            message = await self._connection.read_response(
                timeout=SILENCE, disconnect_on_error=False, push_request=True
            )
            if message is not None:
                self._take(message)
            elif self._unanswered:
                raise RedisConnectionError("No reply came in time.")
            else:
                await self._send("PING", [""])

    async def _send(self, command: str, words: Collection[str]) -> None:
        for group in in_groups(list(words), _GROUP):
            if not self._connection.is_connected:
                # It would connect again, and not be subscribed to anything.
                raise RedisConnectionError("The connection was lost.")
            self._unanswered += len(group)
            await self._connection.send_command(command, *group, check_health=False)

    def _take(self, message: Any) -> None:
        kind = message[0] if isinstance(message, list) else message
        if kind != b"message":
            # To a subscription, to the end of one, or to a question.
            self._unanswered -= 1
        if kind == b"subscribe":
            self._take_subscription(message[1].decode())
        elif kind == b"message":
            self._hear(message[1].decode(), message[2])

    def _take_subscription(self, channel: str) -> None:
        if channel in self._asked:
            self.channels.add(channel)
        self._hear(channel, None)
