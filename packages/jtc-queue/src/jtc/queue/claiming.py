from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from jtc.queue import endings
from jtc.queue.attempts import Attempts
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.claims import Batch, Claims
from jtc.queue.draining import cancel_all
from jtc.queue.queue_order import QueueOrder
from jtc.queue.redis_queue import FAILED_TTL, RedisQueue
from jtc.queue.settlement import Settlement

WAIT = 10
"""Seconds that one wait for work may last; shorter than a socket's time-out."""
SUSPECT_WAIT = 1.0
"""Seconds before a job that may have killed its workers is claimed again."""
PAUSED_WAIT = 1.0
"""Seconds between two looks at a queue that is paused."""


class Claiming:
    """Keeps a worker's free slots filled, in one call for all of them and each queue.

    A queue that was found empty is asked again when its own connection, which waits
    there, says that it holds work. So the queues that are empty cost nothing while
    another keeps the worker busy.

    Args:
        queues: The worker's queues, each with what takes jobs from it.
        attempts: Runs them.
        order: Which queue comes first.
        stop: Set from outside to end, and from here when a burst has run dry or no more
            attempts may begin.
        burst: Whether to end once nothing is left to claim or run.
        woken: Called when somebody woke the worker without a job for it: then there is
            something new that waits for its time.
    """

    def __init__(
        self,
        queues: Sequence[tuple[RedisQueue, Claims]],
        attempts: Attempts,
        *,
        order: QueueOrder,
        stop: asyncio.Event,
        burst: bool,
        woken: Callable[[], None],
    ) -> None:
        self._queues = {queue.name: (queue, claims) for queue, claims in queues}
        self._attempts = attempts
        self._order = order
        self._credit: Mapping[str, int] = {}
        self._stop = stop
        self._burst = burst
        self._woken = woken
        self._waits: dict[str, asyncio.Task[None]] = {}

    async def step(self) -> float:
        """Claim and start jobs, or wait for some, until there was something to do."""
        while not self._stop.is_set():
            self._end_waits()
            ready = [name for name in self._queues if name not in self._waits]
            if not ready:
                await self._wait()
                break
            room = self._attempts.room
            if room > 0:
                if await self._claim(ready, room):
                    break
            elif self._attempts.is_spent:
                self._stop.set()
            else:
                await self._attempts.wait_for_change()
        return 0.0

    async def interrupt(self) -> None:
        """Cut a wait short; a call that may have claimed jobs is let through."""
        self._attempts.give_back()
        self._attempts.wake()
        await cancel_all(list(self._waits.values()))

    async def _wait(self) -> None:
        """Wait until one of the queues holds work."""
        waits = list(self._waits.values())
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        self._end_waits()

    def _end_waits(self) -> None:
        for name in [name for name, wait in self._waits.items() if wait.done()]:
            wait = self._waits.pop(name)
            if not wait.cancelled():
                wait.result()

    async def _claim(self, ready: Sequence[str], room: int) -> bool:
        """Fill the room; return whether there was a job."""
        # Before a queue is asked: an attempt that ends meanwhile may requeue.
        was_idle = self._attempts.is_idle
        deal = self._order.deal(room, ready, self._credit)
        self._credit = deal.credit
        has_found = False
        for name, share in deal.shares:
            found = await self._claim_from(name, min(room, share))
            has_found = has_found or found is not None
            room -= found or 0
            if room <= 0 or self._stop.is_set():
                return True
        if self._burst and not has_found:
            await self._run_dry(was_idle=was_idle)
        return has_found

    async def _claim_from(self, name: str, limit: int) -> int | None:
        """Claim and start jobs of one queue; return how many, None if it is empty."""
        queue, claims = self._queues[name]
        batch = await claims.take(limit)
        jobs = self._without_suspects(batch.jobs)
        self._attempts.accept(jobs, now=batch.now)
        park_unreadable(self._attempts, batch, queue)
        # Nobody takes out of a paused queue what would say that there is something new.
        if batch.is_paused or (batch.met and not batch.jobs):
            self._woken()
        if batch.met or batch.jobs:
            return len(jobs)
        if not self._burst and not self._stop.is_set():
            wait = _wait_out(batch.pause) if batch.is_paused else _wait_for_work(queue)
            self._waits[name] = asyncio.create_task(wait)
        return None

    async def _run_dry(self, *, was_idle: bool) -> None:
        if was_idle:
            self._stop.set()
        elif not self._attempts.is_idle:
            await self._attempts.wait_for_change()

    def _without_suspects(self, jobs: Sequence[ClaimedJob]) -> Sequence[ClaimedJob]:
        """Give back all but one of the jobs whose workers have died again and again.

        Whatever killed them ran beside others, which are not to blame. One at a time
        shows which it is before the others are parked with it.
        """
        suspects = [job for job in jobs if endings.is_suspect(job)]
        if not suspects:
            return jobs
        returned = suspects[0 if self._attempts.has_suspect else 1 :]
        for job in returned:
            self._attempts.settle(endings.released(job, wait=SUSPECT_WAIT))
        return [job for job in jobs if job not in returned]


def park_unreadable(attempts: Attempts, batch: Batch, queue: RedisQueue) -> None:
    """Move what is no job of this queue to where failed jobs are kept."""
    for job_id, claim, payload in batch.unreadable:
        one = (
            Settlement(job_id, claim, "done", b"", -1)
            if payload is None
            else Settlement(job_id, claim, "failed", payload, FAILED_TTL)
        )
        attempts.settle(replace(one, queue=queue.name))


async def _wait_out(pause: float | None) -> None:
    # Not at the list, which answers at once while it holds what nobody may take.
    await asyncio.sleep(PAUSED_WAIT if pause is None else min(pause, PAUSED_WAIT))


async def _wait_for_work(queue: RedisQueue) -> None:
    while True:
        started = time.monotonic()
        if await queue.wait_for_work(WAIT):
            return
        if time.monotonic() - started < WAIT / 2:
            # A server that answers before the time is up must not make this loop spin.
            await asyncio.sleep(0.05)
