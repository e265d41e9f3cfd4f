from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

import saq

from jtc.queue.backfill_plan import plan_backfill
from jtc.queue.codec import encode
from jtc.queue.decision import Stretch
from jtc.queue.definition import Definition
from jtc.queue.due_entry import moment
from jtc.queue.groups import OnProgress
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.schedule_catalog import ScheduleCatalog
from jtc.queue.schedule_store import ScheduleStore
from jtc.queue.settings import Settings
from jtc.queue.tick_job import tick_job, tick_key
from jtc.queue.ticks import ticks_after
from jtc.schedule import skip_reason
from jtc.schedule.function import check_function

# How far ahead is looked for ticks that no condition rules out. There are expressions
# that are due every forty years.
_MOST_TICKS_AHEAD = 10_000
_LONGEST_AHEAD = timedelta(days=366 * 300)


class ScheduleRuns:
    """The runs of schedules: those to come, and those that somebody asks for.

    Args:
        queue: The queue.
        catalog: The schedules there are.
        store: Where they are kept.
        settings: Which environment this is, and how many records are kept.
    """

    def __init__(
        self,
        queue: RedisQueue,
        catalog: ScheduleCatalog,
        store: ScheduleStore,
        settings: Settings,
    ) -> None:
        self._queue = queue
        self._catalog = catalog
        self._store = store
        self._environment = settings.environment
        self._history = settings.history

    async def ahead(self, name: str, count: int) -> Sequence[datetime]:
        """Return the next ticks that no condition rules out."""
        task = (await self._catalog.find(name)).task
        if not task.options.enabled:
            return []
        if task.options.max_runs is not None:
            count = min(count, task.options.max_runs - await self._store.runs(name))
        now = moment(await self._store.now())
        end = now + _LONGEST_AHEAD
        ticks = takewhile(lambda tick: tick < end, ticks_after(task, now))
        looked_at = islice(ticks, _MOST_TICKS_AHEAD)
        to_run = (t for t in looked_at if not skip_reason(task, t, self._environment))
        return list(islice(to_run, max(count, 0)))

    async def trigger(self, name: str, payload: Mapping[str, Any] | None) -> str:
        """Enqueue a manual run; return its job's key."""
        definition = await self._catalog.find(name)
        now = moment(await self._store.now())
        if payload is not None:
            await self._check_target(definition, payload)
            definition = _with_payload(definition, payload)
        job = manual_job(self._queue, definition, now)
        await self._queue.enqueue(job)
        return job.key

    async def backfill(
        self,
        name: str,
        start: datetime,
        end: datetime,
        *,
        is_dry: bool,
        on_progress: OnProgress | None = None,
    ) -> Sequence[datetime]:
        """Run the ticks of a stretch of time; return those that will run."""
        definition = await self._catalog.find(name)
        task = definition.task
        now = moment(await self._store.now())
        plan = plan_backfill(task, start, end, now=now, environment=self._environment)
        jobs = [self._backfill_job(definition, tick, now) for tick in plan.runs]
        added = await self._store.backfill(
            name,
            keep=self._history,
            records=[_record(one) for one in plan.skipped[-self._history :]],
            jobs=[(job.id, self._queue.serialize(job)) for job in jobs],
            is_free=task.options.overlap == "allow",
            is_dry=is_dry,
            on_progress=on_progress,
        )
        pairs = zip(plan.runs, added, strict=True)
        return [tick for tick, is_added in pairs if is_added]

    async def _check_target(
        self, definition: Definition, payload: Mapping[str, Any]
    ) -> None:
        """Refuse what the function of a run-time schedule's task would not take."""
        if definition.in_code or definition.target.kind != "task":
            return
        found = await self._catalog.look_up(definition.target.name)
        if found is not None and found.in_code:
            check_function(found.task.func, payload)

    def _backfill_job(
        self, definition: Definition, tick: datetime, now: datetime
    ) -> saq.Job:
        return tick_job(
            self._queue,
            definition.task,
            tick,
            now=now.timestamp(),
            kind="caught_up",
            target=definition.target,
            # Given, so that the run does not count for `max_runs`.
            key=tick_key(definition.task.name, tick),
        )


def manual_job(queue: RedisQueue, definition: Definition, now: datetime) -> saq.Job:
    """Make the job of a run that takes no tick's place; it is not enqueued."""
    return tick_job(
        queue,
        definition.task,
        now,
        now=now.timestamp(),
        kind="manual",
        target=definition.target,
        key=f"{definition.task.name}@manual-{uuid.uuid4().hex}",
    )


def _with_payload(definition: Definition, payload: Mapping[str, Any]) -> Definition:
    options = definition.task.options.derive({"payload": payload})
    # Which checks it against the function, where that is known.
    return replace(definition, task=replace(definition.task, options=options))


def _record(stretch: Stretch) -> bytes:
    record: dict[str, Any] = {"tick": round(stretch.first.timestamp())}
    if stretch.count > 1:
        record |= {"until": round(stretch.last.timestamp()), "count": stretch.count}
    return encode({**record, "outcome": stretch.outcome})
