from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from jtc.cli.declared_tasks import DeclaredTasks
from jtc.cli.opening import open_queue
from jtc.cli.place import Place
from jtc.queue import RedisQueue, Schedules

T = TypeVar("T")


class OpenSchedules:
    """The schedules of the queues that a command is about, on one connection.

    Args:
        queue: The queue that is open.
        declared: What the user's modules declare.
    """

    def __init__(self, queue: RedisQueue, declared: DeclaredTasks) -> None:
        self._queue = queue
        self._declared = declared

    def of(self, name: str) -> tuple[str, Schedules]:
        """Return the queue in which the schedule of that name is, and its schedules."""
        task = self._declared.get(name)
        if task is None or self._declared.was_named:
            return self._of_queue(self._declared.queue)
        return self._of_queue(self._declared.queue_of(task))

    def all(self) -> list[tuple[str, Schedules]]:
        """Return each queue that is meant, with its schedules."""
        return [self._of_queue(queue) for queue in self._declared.queues]

    def _of_queue(self, name: str) -> tuple[str, Schedules]:
        queue = RedisQueue(self._queue.redis, name=name)
        return name, Schedules(queue, tasks=self._declared.known_in(name))


def ask_schedules(
    place: Place,
    declared: DeclaredTasks,
    step: Callable[[OpenSchedules], Awaitable[T]],
) -> T:
    """Connect, do `step`, disconnect.

    Raises:
        NoServer: No server answers.
        ServerRefused: A server answers and turns us away.
        QueueError: A setting is unfit, or what `step` raises.
    """

    async def ask() -> T:
        async with open_queue(place) as queue:
            return await step(OpenSchedules(queue, declared))

    return asyncio.run(ask())
