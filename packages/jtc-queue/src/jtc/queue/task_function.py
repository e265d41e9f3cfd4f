from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.errors import TickSkipped
from jtc.queue.failure import headline
from jtc.queue.pings import Pings
from jtc.queue.secret_fields import veil_of
from jtc.queue.threads import as_async
from jtc.queue.tick import Tick
from jtc.queue.tick_hooks import call_hook
from jtc.queue.tick_record import TickRecord
from jtc.schedule import ScheduledTask
from jtc.schedule.function import accepts
from jtc.schedule.services import TaskServices

logger = logging.getLogger(__name__)


class TaskFunction:
    """What a worker runs for a task: its function, its conditions and its hooks.

    The payload comes as keyword arguments, and so do the services that the function
    asks for beside it. `when` and `skip` are asked once for each tick, right before the
    function; not for a run that somebody asked for, and not for a schedule of another
    name that runs this task.

    Args:
        task: The task.
        pings: Whether its `ping` is called.
    """

    def __init__(self, task: ScheduledTask, *, pings: bool = True) -> None:
        self._task = task
        ping = task.options.ping
        self._pings = Pings(task.name, ping) if ping and pings else None
        self._function = as_async(task.func)
        self._services = TaskServices(task)

    async def __call__(self, ctx: dict[str, Any], **payload: Any) -> Any:
        """Run one attempt.

        Raises:
            TickSkipped: A condition is against it.
            Exception: Whatever the function raised.
        """
        try:
            await self._ask(ctx)
            pings = self._pings_of(ctx)
            if pings is not None and ctx["job"].attempts == 1:
                pings.started()
            result = await self._services.call(self._function, ctx, payload)
        except TickSkipped:
            raise
        except asyncio.CancelledError:
            if (cause := _stop_error(ctx)) is not None:
                await self._failed(ctx, cause)
            raise
        # A library that calls sys.exit means the job, not the worker.
        except (Exception, SystemExit) as error:
            await self._failed(ctx, error)
            raise
        if pings is not None:
            pings.succeeded()
        await self._tell(self._task.options.on_success, ctx)
        return result

    def _pings_of(self, ctx: dict[str, Any]) -> Pings | None:
        """Return what tells of this run; a schedule of another name is another's."""
        tick: Tick | None = ctx.get("tick")
        is_own = tick is not None and tick.name == self._task.name
        is_claimed = isinstance(ctx.get("job"), ClaimedJob)
        return self._pings if is_own and is_claimed else None

    async def _ask(self, ctx: dict[str, Any]) -> None:
        tick: Tick | None = ctx.get("tick")
        if tick is None or tick.manual or tick.name != self._task.name:
            return
        job = ctx.get("job")
        if job is not None and job.attempts > 1:
            return
        options = self._task.options
        for condition, predicate, wanted in (
            ("when", options.when, True),
            ("skip", options.skip, False),
        ):
            if predicate is None:
                continue
            skipped = await self._check(condition, predicate, tick, wanted=wanted)
            if skipped is not None:
                await self._tell(options.on_skipped, self._record(ctx, tick, skipped))
                raise skipped

    async def _check(
        self, condition: str, predicate: Any, tick: Tick, *, wanted: bool
    ) -> TickSkipped | None:
        takes_nothing = accepts(predicate)
        arguments = () if takes_nothing else (self._local(tick.nominal),)
        try:
            said = bool(await as_async(predicate)(*arguments))
        except (Exception, SystemExit) as error:
            logger.exception(
                "%s of task %s failed; the tick is skipped.",
                condition,
                self._task.name,
                extra={"action": "condition_failed", "task": self._task.name},
            )
            return TickSkipped(condition, headline(error))
        return None if said is wanted else TickSkipped(condition)

    def _local(self, nominal: datetime) -> datetime:
        zone = self._task.timezone
        return nominal if zone is None else nominal.astimezone(ZoneInfo(zone))

    def _record(
        self, ctx: dict[str, Any], tick: Tick, skipped: TickSkipped
    ) -> TickRecord:
        worker, job = ctx.get("worker"), ctx.get("job")
        return TickRecord(
            name=tick.name,
            tick=tick.nominal,
            until=tick.nominal,
            outcome=f"skipped:{skipped.condition}",
            at=tick.nominal + timedelta(seconds=tick.late_by),
            error=skipped.error,
            worker=None if worker is None else worker.id,
            attempts=0 if job is None else job.attempts,
            job=None if job is None else job.key,
        )

    async def _failed(self, ctx: dict[str, Any], error: BaseException) -> None:
        hook, pings = self._task.options.on_failure, self._pings_of(ctx)
        if hook is None and pings is None:
            return
        attempt = ctx.get("_attempt")
        # The worker decides whether it was the last try; without one it is.
        if attempt and attempt.judge(error).kind != "fail":
            return
        if pings is not None:
            pings.failed(headline(veil_of(ctx["job"]).error(error)))
        await self._tell(hook, ctx, error)

    async def _tell(self, hook: Any, *args: Any) -> None:
        if hook is None:
            return
        try:
            await call_hook(hook, self._task.name, *args)
        except asyncio.CancelledError:
            # Whatever cut the hook short, the function has ended: its outcome stands.
            logger.warning(
                "A hook of task %s was cut short.",
                self._task.name,
                extra={"action": "tick_hook_cut_short", "task": self._task.name},
            )


def _stop_error(ctx: dict[str, Any]) -> Exception | None:
    attempt = ctx.get("_attempt")
    return None if attempt is None else attempt.stop_error
