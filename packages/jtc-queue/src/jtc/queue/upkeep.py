from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from jtc.queue import endings
from jtc.queue.adoption import Adoption
from jtc.queue.attempt import Attempt
from jtc.queue.attempts import Attempts
from jtc.queue.busy_watch import BusyWatch
from jtc.queue.claimed_job import ClaimedJob, Hold
from jtc.queue.claiming import park_unreadable
from jtc.queue.claims import Claims
from jtc.queue.failed_index import PRUNE_GROUP, FailedIndex
from jtc.queue.failed_job import subject_of
from jtc.queue.job_fields import job_fields
from jtc.queue.lease import RENEW_EVERY, RETRY
from jtc.queue.observing import observe_recovery
from jtc.queue.outage import is_outage
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.reporting import Reporting
from jtc.queue.settlement import Settlement

logger = logging.getLogger(__name__)

# A lease of 13 s, a round of recovery and the run itself: within 20 s of the death.
RECOVER_EVERY = RENEW_EVERY
PROMOTE_EVERY = 1.0
PROMOTE_AT_REST = 6.0
CANCEL_EVERY = 0.5
WATCH_EVERY = 0.1
SHOW_EVERY = 0.1
SHOW_AFTER = 0.05
REPORT_EVERY = 5.0
PRUNE_EVERY = 60.0


class Upkeep:
    """What a worker does beside running jobs; each method is one round of one duty.

    Args:
        queue: The queue to look after.
        claims: The worker's holds.
        attempts: The worker's running attempts.
        reporting: Says how the worker is.
    """

    def __init__(
        self,
        queue: RedisQueue,
        claims: Claims,
        attempts: Attempts,
        reporting: Reporting,
    ) -> None:
        self._queue = queue
        self._claims = claims
        self._attempts = attempts
        self._reporting = reporting
        self._failed = FailedIndex(queue)
        self._adoption = Adoption(queue, claims, attempts)
        self._busy = BusyWatch(queue)
        self._begun = 0
        self._rounds = 0
        self._strangers: set[Hold] = set()
        self._shown: set[Attempt] = set()

    @property
    def duties(self) -> tuple[Callable[[], Awaitable[float]], ...]:
        """Every duty but promoting; each returns the seconds until its next round."""
        return (
            self.recover,
            self.cancel,
            self.watch,
            self.show,
            self.report,
            self.prune,
            self._adoption.step,
            self._busy.step,
        )

    @property
    def _running(self) -> list[Attempt]:
        # A worker's attempts may be of several queues.
        return [a for a in self._attempts.running if a.job.queue is self._queue]

    @property
    def _waiting(self) -> set[Hold]:
        stock = self._attempts.stock.jobs
        return {job.hold for job in stock if job.queue is self._queue}

    async def promote(self) -> float:
        """Queue the delayed jobs whose time has come."""
        wait = await self._queue.promote()
        # Who adds a delayed job wakes a worker at rest. One that works does not notice.
        is_at_rest = not self._attempts.running and self._attempts.begun == self._begun
        self._begun = self._attempts.begun
        longest = PROMOTE_AT_REST if is_at_rest else PROMOTE_EVERY
        return longest if wait is None else min(wait, longest)

    async def recover(self) -> float:
        """Renew the lease, give back what dead workers held, check what is held."""
        try:
            return await self._recover()
        except Exception as error:
            if not is_outage(error):
                raise
            # Not later and later, as others do: the lease runs on while nobody answers.
            return RECOVER_EVERY * RETRY

    async def _recover(self) -> float:
        before = set(self._running)
        waiting = self._waiting
        # At rest a look costs more than the rest of the call.
        look = bool(before or waiting or self._strangers or self._rounds % 3 == 0)
        self._rounds += 1
        found = await self._claims.recover(look=look)
        for job in found.taken.jobs:
            settlement = endings.lost(job)
            _report_recovery(job, settlement)
            observe_recovery(self._queue, job)
            self._attempts.settle(settlement)
        park_unreadable(self._attempts, found.taken, self._queue)
        if found.held is not None:
            lost = {a for a in before if a.job.hold not in found.held}
            self._fence(lost)
            self._attempts.stock.drop(waiting - found.held)
            await self._return_strangers(found.held - self._attempts.holds)
        return 0.0 if found.taken.jobs else RECOVER_EVERY

    def _fence(self, lost: set[Attempt]) -> None:
        for attempt in self._attempts.running & lost:
            logger.warning(
                "Stopping the attempt at job %s: another worker has it now.",
                attempt.job.key,
                extra={"action": "attempt_fenced", **job_fields(attempt.job)},
            )
            attempt.fence()

    async def _return_strangers(self, unknown: set[Hold]) -> None:
        """Release jobs that the server says are ours and that we do not know of.

        It takes two rounds, because a claim whose reply is on its way looks like this,
        and a claim that is asked for again is left alone: its jobs are about to start.
        """
        for job_id, claim in unknown & self._strangers:
            batch = await self._claims.look_up(job_id, claim)
            if claim == self._claims.latest:
                continue
            for job in batch.jobs:
                self._attempts.settle(endings.released(job))
            park_unreadable(self._attempts, batch, self._queue)
        self._strangers = unknown

    async def cancel(self) -> float:
        """Stop the running attempts that somebody canceled."""
        await self._attempts.wait_for_some()
        running = self._running
        if running:
            notes = await self._queue.cancel_notes([a.job.id for a in running])
            for attempt, note in zip(running, notes, strict=True):
                if note is not None:
                    attempt.cancel(note)
        return CANCEL_EVERY

    async def watch(self) -> float:
        """Stop attempts whose time is up, also while the server is away.

        And give back jobs that were claimed ahead and have waited for too long.
        """
        await self._attempts.wait_for_some()
        self._attempts.give_back_stale()
        now = time.monotonic()
        for attempt in [a for a in self._running if a.deadline <= now]:
            attempt.expire()
        return WATCH_EVERY

    async def show(self) -> float:
        """Write the document of attempts that have run for a moment.

        The claim says who runs a job; the document need not be written for one that
        ends at once. It is written again when the function says how far it has come.
        """
        await self._attempts.wait_for_some()
        before = time.monotonic() - SHOW_AFTER
        running = [a for a in self._running if a.outcome is None]
        lasting = [a for a in running if a.started < before]
        hidden = [a for a in lasting if a.has_progress or a not in self._shown]
        # Not before they are written: the server may be away.
        self._shown -= set(hidden)
        for attempt in hidden:
            attempt.note_progress()
        await asyncio.gather(
            *(self._queue.settle(endings.running(a.job)) for a in hidden)
        )
        self._shown = set(lasting)
        return SHOW_EVERY

    async def report(self) -> float:
        """Say how the worker is, and hear whether it is to be restarted."""
        await self._reporting.report()
        return REPORT_EVERY

    async def prune(self) -> float:
        """Drop failed jobs that are too old or too many."""
        dropped = await self._failed.prune()
        return 0.0 if dropped == PRUNE_GROUP else PRUNE_EVERY


def _report_recovery(job: ClaimedJob, settlement: Settlement) -> None:
    if settlement.kind == "failed":
        logger.error(
            "Job %s (%s) failed: %s.",
            job.key,
            subject_of(job),
            job.error,
            extra={"action": "job_poisoned", **job_fields(job)},
        )
        return
    logger.warning(
        "Recovered job %s (%s): its worker %s died.",
        job.key,
        subject_of(job),
        job.worker_id,
        extra={"action": "job_recovered", **job_fields(job)},
    )
