from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from jtc.jobs import JobManager, runner
from jtc.queue import (
    RedisQueue,
    Scheduler,
    Settings,
    TaskFunction,
    Worker,
    task_function_name,
)
from jtc.schedule import ScheduledTask, ScheduleRegistry
from jtc.testing.clock import Clock
from jtc.testing.errors import NeverEnds
from jtc.testing.record import Record


class Stage:
    """The queues of a fake server, the tasks and what can run them, for one call.

    Args:
        record: What has happened so far.
        clock: The server's.
        settings: Of the process that runs jobs.
        limit: How many attempts the call may run.
    """

    def __init__(
        self, record: Record, clock: Clock, settings: Settings, limit: int
    ) -> None:
        self._record = record
        self._clock = clock
        self._settings = settings
        self._limit = limit
        self._first = len(record.ran)
        self._tasks = [
            task.in_timezone(settings.timezone) for task in ScheduleRegistry.get_all()
        ]
        self._schedulers = [self._scheduler(name) for name in self._names]

    @property
    def queues(self) -> list[RedisQueue]:
        """The queues: those that the settings name, then the others as they came."""
        return [JobManager.open_queue(name) for name in self._names]

    async def fire(self) -> None:
        """Enqueue the ticks that are due, after telling the server of the tasks."""
        for scheduler in self._schedulers:
            queue = scheduler.queue
            if not (self._tasks or await queue.redis.exists(queue.keys.due)):
                continue
            # A step that only told the server of them asks for another at once.
            while not await scheduler.step():
                pass

    async def promote(self) -> None:
        """Queue the delayed jobs that are due."""
        for queue in self.queues:
            await queue.promote()

    async def next_moment(self) -> float | None:
        """Return when, after now, a tick or delayed job is due; None if never."""
        # Not what is due already: it is of tasks that nobody knows any more.
        return _earliest(
            [
                await _lowest(queue, key, f"({self._clock.time()!r}")
                for queue in self.queues
                for key in (queue.keys.due, queue.keys.incomplete)
            ]
        )

    async def next_delayed(self) -> float | None:
        """Return when the next delayed job is due, retries included; None if never."""
        return _earliest(
            [await _lowest(q, q.keys.incomplete, "(0") for q in self.queues]
        )

    async def has_queued(self) -> bool:
        """Tell whether a job waits for nothing but a worker."""
        return any([await _queued(queue) for queue in self.queues])

    async def run_each(self) -> None:
        """Run one attempt of each job that is in a queue now."""
        for queue, count in [(q, await _queued(q)) for q in self.queues]:
            worker = self._worker(queue)
            for _ in range(count):
                await self._run_one(worker)

    async def run_all(self) -> None:
        """Run what is in the queues, and what that leads to at once."""
        while await self.has_queued():
            await self.run_each()

    async def set_aside(self) -> dict[RedisQueue, list[Any]]:
        """Take what is queued out of sight; return it."""
        aside = {}
        for queue in self.queues:
            redis: Any = queue.redis
            aside[queue] = await redis.lrange(queue.keys.queued, 0, -1)
            await redis.delete(queue.keys.queued)
        return aside

    async def bring_back(self, aside: dict[RedisQueue, list[Any]]) -> None:
        """Queue what was set aside, before what came meanwhile."""
        for queue, ids in aside.items():
            if ids:
                redis: Any = queue.redis
                await redis.lpush(queue.keys.queued, *reversed(ids))

    async def _run_one(self, worker: Worker) -> None:
        ran = self._record.ran[self._first :]
        if len(ran) >= self._limit:
            names = Counter(one.name for one in ran)
            raise NeverEnds(
                self._limit, [f"{n} of {name}" for name, n in names.items()]
            )
        await worker.process()

    @property
    def _names(self) -> list[str]:
        scheduled = [t.options.queue for t in self._tasks if t.options.queue]
        named = [*self._settings.queues.names, *self._record.queues, *scheduled]
        return list(dict.fromkeys(named))

    def _scheduler(self, name: str) -> Scheduler:
        home = self._settings.queues.home
        tasks = [t for t in self._tasks if (t.options.queue or home) == name]
        queue = JobManager.open_queue(name)
        return Scheduler(queue, tasks, environment=self._settings.environment)

    def _worker(self, queue: RedisQueue) -> Worker:
        functions = [_function(task) for task in self._tasks]
        return Worker(queue, [("runner", runner), *functions], takes_signals=False)


def _function(task: ScheduledTask) -> tuple[str, Any]:
    # Whoever watches over the task must not take a test for it.
    return task_function_name(task), TaskFunction(task, pings=False)


def _earliest(moments: Iterable[float | None]) -> float | None:
    return min((one for one in moments if one is not None), default=None)


async def _queued(queue: RedisQueue) -> int:
    redis: Any = queue.redis
    return int(await redis.llen(queue.keys.queued))


async def _lowest(queue: RedisQueue, key: str, least: str) -> float | None:
    found: Sequence[Any] = await queue.redis.zrangebyscore(
        key, least, "+inf", start=0, num=1, withscores=True
    )
    return float(found[0][1]) if found else None
