from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

from jtc.queue.errors import InvalidPause, ScheduleExists
from jtc.queue.groups import OnProgress
from jtc.queue.job_class import JobClass
from jtc.queue.known_tasks import KnownTasks
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.schedule_catalog import ScheduleCatalog
from jtc.queue.schedule_editor import ScheduleEditor
from jtc.queue.schedule_runs import ScheduleRuns
from jtc.queue.schedule_status import ScheduleStatus
from jtc.queue.schedule_store import ScheduleStore
from jtc.queue.settings import Settings, load_settings
from jtc.queue.tick_record import TickRecord, read_tick_record
from jtc.schedule import OptionKeywords, ScheduledTask


class Schedules:
    """The schedules of a queue, as they are steered while workers are at work.

    Whatever is changed here counts for every worker at once. A process without the code
    of a task, such as a web service, knows what workers have said of it.

    Args:
        queue: The queue in which they are scheduled.
        tasks: The tasks in this process's code; those of the registry unless given.
            One that names no queue counts as of this one.
        settings: In which zone schedules are read that name none, and which environment
            this is; from the environment and pyproject.toml unless given.

    Example:
        >>> async def move_house(queue: RedisQueue) -> None:
        ...     schedules = Schedules(queue)
        ...     await schedules.pause("report", note="moving house")
        ...     await schedules.add("report.eu", cron="0 9 * * *", task="report")
    """

    def __init__(
        self,
        queue: RedisQueue,
        tasks: Sequence[ScheduledTask] | None = None,
        *,
        settings: Settings | None = None,
    ) -> None:
        settings = load_settings() if settings is None else settings
        self._known = KnownTasks(queue.name, tasks, settings)
        self._store = ScheduleStore(queue)
        self._catalog = ScheduleCatalog(queue.name, self._known, self._store)
        self._runs = ScheduleRuns(queue, self._catalog, self._store, settings)
        self._editor = ScheduleEditor(
            queue,
            self._known,
            self._catalog,
            self._store,
            timezone=settings.timezone,
        )

    # -- looking -----------------------------------------------------------------------

    async def get(self, name: str) -> ScheduleStatus | None:
        """Return how a schedule stands; None when there is none of that name."""
        return await self._catalog.status(name)

    async def list(self) -> Sequence[ScheduleStatus]:
        """Return how all schedules stand, in the order of their names."""
        return sorted([one async for one in self.scan()], key=lambda one: one.name)

    def scan(self) -> AsyncIterator[ScheduleStatus]:
        """Return an iterator over all schedules, in no order: for very many of them.

        They are read some hundreds at a time; one that is made or removed meanwhile may
        be missed. One that this version of the library cannot read is left out, with a
        warning in the log.
        """
        return self._catalog.statuses()

    async def history(self, name: str, limit: int = 100) -> Sequence[TickRecord]:
        """Return what became of the latest ticks and manual runs, the newest first.

        Raises:
            ScheduleNotFound: There is no schedule of that name, nor was there one in
                the last thirty days.
        """
        lines = await self._store.history(name, limit)
        if not lines:
            await self._catalog.find(name)
        records = (read_tick_record(name, line) for line in lines)
        return [record for record in records if record is not None]

    async def next_runs(self, name: str, count: int = 5) -> Sequence[datetime]:
        """Return the nominal times of the next ticks that will run, in UTC.

        What `exclude`, `between`, `days` and `environments` rule out is left out; a
        pause is not looked at. There are fewer than `count` when the schedule ends, and
        none while it is not enabled.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
        """
        return await self._runs.ahead(name, count)

    # -- steering ----------------------------------------------------------------------

    async def pause(
        self, name: str, *, note: str = "", until: datetime | None = None
    ) -> None:
        """Let no tick of a schedule run: each is recorded as `skipped:paused`.

        What is already in the queue runs. A pause that is there is replaced.

        Args:
            name: The schedule.
            note: Why, for whoever looks at it.
            until: When it goes on by itself; an aware datetime.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
            InvalidPause: `until` has no time zone, or is not to come.
        """
        if until is not None and until.utcoffset() is None:
            raise InvalidPause(name, until, "a datetime with a time zone")
        word = await self._store.pause(
            name,
            note=note,
            until=None if until is None else until.timestamp(),
            is_known=self._known.get(name) is not None,
        )
        if word == "unknown":
            raise await self._catalog.not_found(name)
        if word == "past":
            raise InvalidPause(name, until, "a time to come, by the server's clock")

    async def resume(self, name: str) -> bool:
        """Let a paused schedule go on: with ticks that waited, then with the next one.

        Returns:
            Whether it was paused.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
        """
        is_known = self._known.get(name) is not None
        word = await self._store.resume(name, is_known=is_known)
        if word == "unknown":
            raise await self._catalog.not_found(name)
        return word == "resumed"

    async def trigger(self, name: str, payload: Mapping[str, Any] | None = None) -> str:
        """Have a worker run a schedule's target now, whatever the schedule says.

        The run is recorded as `manual`. It is beside the ticks: it takes no tick's
        place, counts for no `max_runs`, waits for none that is running, and none waits
        for it. A pause does not hold it up.

        Args:
            name: The schedule.
            payload: In place of the schedule's own.

        Returns:
            The key of its job in the queue.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
            InvalidTaskOption: The payload has no form in JSON; from `jtc.schedule`.
            InvalidTask: The function, if it is known here, does not take it; as above.
        """
        return await self._runs.trigger(name, payload)

    async def backfill(
        self,
        name: str,
        start: datetime,
        end: datetime,
        *,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> Sequence[datetime]:
        """Run the ticks from `start` up to, not including, `end`, each once.

        They run one after the other and behind the tick that is running, unless the
        schedule says `overlap="allow"`; ticks that become due meanwhile find it busy.
        While the schedule is paused they wait. They are recorded as `caught_up`, and
        what a condition rules out as skipped. A tick that waits or runs already is not
        run twice; what is still to come, is left to its time.

        Args:
            name: The schedule.
            start: An aware datetime.
            end: An aware datetime.
            dry_run: Whether to return only what would be run.
            on_progress: Is called every few hundred ticks, with how many of how many
                are queued.

        Returns:
            The nominal times of the ticks that will run, in UTC, oldest first.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
            InvalidBackfill: A time has no time zone, the range is empty, or there are
                more than ten thousand ticks in it.
        """
        return await self._runs.backfill(
            name, start, end, is_dry=dry_run, on_progress=on_progress
        )

    # -- making and changing -----------------------------------------------------------

    async def add(
        self,
        name: str,
        *,
        cron: str | None = None,
        every: int | timedelta | None = None,
        task: str | None = None,
        job: JobClass | str | None = None,
        description: str = "",
        **options: Unpack[OptionKeywords],
    ) -> None:
        """Make a schedule; it is kept in the queue until it is removed.

        It is checked as a decorator checks it. `timeout`, `tries` and `backoff` are
        those of the target unless given.

        Args:
            name: Its name, which no other schedule of the queue may have.
            cron: When it is due; this or `every`.
            every: Seconds or a `timedelta`.
            task: The name of a task in code, whose function is run; this or `job`.
            job: The `Job` class that is run, or its name in the queue. Given the class,
                the payload is checked by it.
            description: One line for people.
            options: As for `Schedule.cron`, unless they are code. `payload` is that of
                the job, or the keyword arguments of the task's function.

        Raises:
            ScheduleExists: The name is taken.
            InvalidSchedule: Not one of `cron` and `every`, or not one of `task` and
                `job`; a target that is unknown or of another queue; an option that is
                code; a schedule that has no tick to come.
            ScheduleError: As from the decorators.
        """
        said = {"cron": cron, "every": every, "task": task, "job": job}
        one = {"name": name, "description": description, **said, **options}
        if not await self._editor.add([one]):
            raise ScheduleExists(name, in_code=(await self._catalog.find(name)).in_code)

    async def add_many(self, schedules: Iterable[Mapping[str, Any]]) -> Sequence[str]:
        """Make many schedules, some hundreds in one step.

        All are checked before the first is made. Where the name is taken, the schedule
        that has it stays as it is.

        Args:
            schedules: What `add` takes, `name` too, of each.

        Returns:
            The names of those that were made.

        Raises:
            InvalidSchedule: As from `add`.
            ScheduleError: As from the decorators.
        """
        return await self._editor.add(list(schedules))

    async def update(
        self,
        name: str,
        *,
        cron: str | None = None,
        every: int | timedelta | None = None,
        task: str | None = None,
        job: JobClass | str | None = None,
        description: str | None = None,
        **options: Unpack[OptionKeywords],
    ) -> None:
        """Change a schedule that was made at run time; what is not given stays.

        Its history stays, too. Changed times count from the next one on.

        Raises:
            ScheduleNotFound: There is no schedule of that name.
            InvalidSchedule: It is a task in code; or as from `add`.
            ScheduleError: As from the decorators.
        """
        said = {"cron": cron, "every": every, "task": task, "job": job}
        given = {key: value for key, value in said.items() if value is not None}
        if description is not None:
            given["description"] = description
        await self._editor.update(name, {**given, **options})

    async def remove(self, name: str) -> bool:
        """Remove a schedule that was made at run time, with its history.

        What is already in the queue runs.

        Returns:
            Whether there was one of that name.

        Raises:
            InvalidSchedule: It is a task in code.
        """
        return await self._editor.remove(name)
