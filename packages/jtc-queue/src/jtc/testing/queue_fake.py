from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from jtc.queue import Settings, load_settings
from jtc.testing.clock import Clock
from jtc.testing.dispatch_assertions import DispatchAssertions
from jtc.testing.ran import Ran
from jtc.testing.record import Record
from jtc.testing.stage import Stage

LIMIT = 1000
"""How many attempts one call may run unless it says otherwise."""


class QueueFake(DispatchAssertions):
    """This process's queue on a server in memory: it notes what is dispatched.

    Nothing runs by itself. `run_pending` and `drain` run jobs and the ticks of tasks
    with the worker, the scheduler and the scripts that run them in production.

    Args:
        record: What was dispatched and run.
        clock: The time of the server.

    Attributes:
        clock: The time of the server, which stands still until it is moved.
    """

    def __init__(self, record: Record, clock: Clock) -> None:
        super().__init__(record)
        self.clock = clock

    @property
    def ran(self) -> Sequence[Ran]:
        """The attempts that were run, the oldest first."""
        return tuple(self._record.ran)

    async def run_pending(self, *, limit: int = LIMIT) -> list[Ran]:
        """Run what is due: one attempt of each job that waits.

        Before that, what fell due since the last call is run as a worker would have
        done that was there all the time: each delayed job, retry and tick in turn, with
        the clock standing at its time. What is dispatched by the jobs that run now
        waits for the next call, and so does their next try.

        Args:
            limit: How many attempts may be run.

        Returns:
            The attempts, in their order. A job that fails raises nothing here.

        Raises:
            NeverEnds: There were more attempts than `limit`.
        """
        first = len(self._record.ran)
        await self._live(self._stage(limit))
        return self._record.ran[first:]

    async def drain(self, *, limit: int = LIMIT) -> list[Ran]:
        """Run all jobs until none is left, and those that they lead to.

        For delayed jobs and retries the clock travels on, from one to the next. The
        ticks that fall due on the way run too; when no job is left, it stops.

        Args:
            limit: How many attempts may be run.

        Returns:
            The attempts, in their order.

        Raises:
            NeverEnds: There were more attempts than `limit`.
        """
        first = len(self._record.ran)
        stage = self._stage(limit)
        await self._live(stage)
        while await stage.has_queued() or await self._travel_to_next(stage):
            await self._live(stage)
        return self._record.ran[first:]

    def assert_nothing_failed(self) -> None:
        """Fail if a job that was run has failed for good.

        Raises:
            AssertionError: It shows what the jobs failed with.
        """
        __tracebackhide__ = True
        failed = [one for one in self._record.ran if one.outcome == "failed"]
        if failed:
            lines = [f"{one}\n{one.error or ''}" for one in failed]
            raise AssertionError("\n".join(["Jobs have failed:", *lines]))

    def _stage(self, limit: int) -> Stage:
        return Stage(self._record, self.clock, self._settings, limit)

    @property
    def _settings(self) -> Settings:
        return load_settings()

    async def _live(self, stage: Stage) -> None:
        await self._live_until_now(stage)
        await stage.run_each()

    async def _live_until_now(self, stage: Stage) -> None:
        now = self.clock.time()
        with self.clock.replay() as move_on:
            aside = await stage.set_aside()
            try:
                await stage.promote()
                await stage.fire()
                while (moment := await stage.next_moment()) is not None:
                    if moment > now:
                        break
                    move_on(moment)
                    await stage.promote()
                    await stage.fire()
                    if moment < now:
                        await stage.run_all()
            finally:
                await stage.bring_back(aside)

    async def _travel_to_next(self, stage: Stage) -> bool:
        """Travel to when the next delayed job is due; return whether there is one."""
        moment = await stage.next_delayed()
        if moment is None:
            return False
        # No less: the server keeps time in whole microseconds.
        due = math.ceil(moment * 1000) / 1000
        self.clock.travel_to(datetime.fromtimestamp(due, UTC))
        return True
