from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from jtc.queue.measures import BOUNDS
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.standing import read_standing

if TYPE_CHECKING:
    from jtc.queue.worker import Worker

TURN_EVERY = 1.0
LOOK_EVERY = 5.0


class Vitals:
    """What a process can say of its worker and of its queues, as JSON.

    It costs nothing until somebody wants it. The times in it are of `time.monotonic`,
    which is one clock for all processes of a machine.

    Args:
        worker: The worker.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._watched = asyncio.Event()
        self._wanted = asyncio.Event()
        self._turned: float | None = None
        self._standings: dict[str, dict[str, Any]] = {}

    def watch(self) -> None:
        """Note from now on when the event loop turned."""
        self._watched.set()

    def look(self) -> None:
        """Ask the server from now on how the queues stand."""
        self._wanted.set()

    @property
    def steps(self) -> tuple[Callable[[], Awaitable[float]], ...]:
        """What the worker does for it, each with the seconds until its next round."""
        return self._turn, self._look

    def rest(self) -> None:
        """Note that the worker has ended: nobody turns its event loop any more."""
        self._turned = None

    def snapshot(self) -> dict[str, Any]:
        """Return what is known now, from any thread."""
        queues = self._queues
        outages = {queue.outage for queue in queues.values()}
        return {
            "bounds": BOUNDS,
            "processes": 1,
            "state": self._worker.state,
            "turned": self._turned,
            "scheduler": self._scheduler(),
            "redis": not any(outage.is_on for outage in outages),
            "disruptions": sum(outage.count for outage in outages),
            "queues": {
                name: {
                    "measures": queue.measures.snapshot(),
                    "standing": self._standings.get(name),
                }
                for name, queue in queues.items()
            },
        }

    @property
    def _queues(self) -> Mapping[str, RedisQueue]:
        # Tasks may be scheduled in queues on which the worker does not work.
        own = self._worker.queues
        scheduled = (scheduler.queue for scheduler in self._worker.schedulers)
        return {queue.name: queue for queue in (*own, *scheduled)}

    def _scheduler(self) -> dict[str, Any] | None:
        """Return when the one that has not looked for longest did.

        None where nothing is to be fired: of a burst, and of a worker that stops.
        """
        schedulers = self._worker.schedulers
        if not schedulers or self._worker.burst or self._worker.state == "stopping":
            return None
        looks = [scheduler.looked for scheduler in schedulers]
        known = [look for look in looks if look is not None]
        return {"looked": min(known) if len(known) == len(looks) else None}

    async def _turn(self) -> float:
        await self._watched.wait()
        self._turned = time.monotonic()
        return TURN_EVERY

    async def _look(self) -> float:
        await self._wanted.wait()
        tasks: dict[str, list[str]] = {}
        for scheduler in self._worker.schedulers:
            tasks.setdefault(scheduler.queue.name, []).extend(scheduler.task_names)
        queues = self._queues
        found = await asyncio.gather(
            *(read_standing(queue, tasks.get(n, ())) for n, queue in queues.items())
        )
        at = time.monotonic()
        self._standings = {
            name: {"at": at, **standing}
            for name, standing in zip(queues, found, strict=True)
        }
        return LOOK_EVERY
