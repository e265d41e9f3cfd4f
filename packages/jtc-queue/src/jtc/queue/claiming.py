from __future__ import annotations

import asyncio
import time

from jtc.queue import endings
from jtc.queue.attempts import Attempts
from jtc.queue.claims import Batch, Claims
from jtc.queue.redis_queue import FAILED_TTL, RedisQueue
from jtc.queue.settlement import Settlement

WAIT = 5
"""Seconds that one wait for work may last; shorter than a socket's time-out."""


class Claiming:
    """Keeps a worker's free slots filled, in one call for all of them.

    Args:
        queue: Where to wait for work.
        claims: Takes jobs.
        attempts: Runs them.
        stop: Set from outside to end, and from here when a burst has run dry.
        burst: Whether to end once nothing is left to claim or run.
    """

    def __init__(
        self,
        queue: RedisQueue,
        claims: Claims,
        attempts: Attempts,
        *,
        stop: asyncio.Event,
        burst: bool,
    ) -> None:
        self._queue = queue
        self._claims = claims
        self._attempts = attempts
        self._stop = stop
        self._burst = burst
        self._waiting: asyncio.Task[None] | None = None

    async def step(self) -> float:
        """Claim and start jobs until told to stop."""
        while not self._stop.is_set():
            if self._attempts.free <= 0:
                await self._attempts.wait_for_change()
                continue
            # Before the queue is asked: an attempt that ends meanwhile may requeue.
            was_idle = self._attempts.is_idle
            batch = await self._claims.take(self._attempts.free)
            self._start(batch)
            if batch.met == 0 and not batch.jobs:
                await self._wait(was_idle=was_idle)
        return 0.0

    def interrupt(self) -> None:
        """Cut a wait short; a call that may have claimed jobs is let through."""
        self._attempts.wake()
        if self._waiting is not None:
            self._waiting.cancel()

    async def _wait(self, *, was_idle: bool) -> None:
        self._waiting = asyncio.create_task(self._wait_for_work(was_idle=was_idle))
        try:
            await asyncio.wait([self._waiting])
            if not self._waiting.cancelled():
                self._waiting.result()
        finally:
            self._waiting.cancel()
            self._waiting = None

    def _start(self, batch: Batch) -> None:
        if self._stop.is_set():
            self._give_back(batch)
            return
        for job in batch.jobs:
            self._attempts.start(job, now=batch.now)
        park_unreadable(self._attempts, batch)

    def _give_back(self, batch: Batch) -> None:
        for job in batch.jobs:
            self._attempts.settle(endings.released(job))
        park_unreadable(self._attempts, batch)

    async def _wait_for_work(self, *, was_idle: bool) -> None:
        if self._burst:
            if was_idle:
                self._stop.set()
            elif not self._attempts.is_idle:
                await self._attempts.wait_for_change()
            return
        started = time.monotonic()
        moved = await self._queue.wait_for_work(WAIT)
        if not moved and time.monotonic() - started < WAIT / 2:
            # A server that answers before the time is up must not make this loop spin.
            await asyncio.sleep(0.05)


def park_unreadable(attempts: Attempts, batch: Batch) -> None:
    """Move what is no job of this queue to where failed jobs are kept."""
    for job_id, claim, payload in batch.unreadable:
        if payload is None:
            attempts.settle(Settlement(job_id, claim, "done", b"", -1))
        else:
            attempts.settle(Settlement(job_id, claim, "failed", payload, FAILED_TTL))
