"""A producer of the chaos run: dispatches jobs and notes which were acknowledged.

Arguments: URL, the run's folder, the producer's name, a JSON object with "jobs" (how
many to get acknowledged), "seconds" (to spread them over) and "seed".
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import saq
from journal import Journal
from redis.exceptions import RedisError

from jtc.queue import RedisQueue, open_client

URL, FOLDER, NAME, OPTIONS = sys.argv[1:]
KINDS = {"quick": 70, "slow": 10, "flaky": 8, "threaded": 6, "delayed": 6}
KEPT = 24 * 3600


class Producer:
    """Dispatches one at a time, several at once, or many in one call.

    A job that was not acknowledged may be in the queue or not: it is noted and another
    one takes its place, because a second dispatch of it could run it a second time.
    """

    def __init__(self, *, jobs: int, seconds: float, seed: int) -> None:
        self._journal = Journal(Path(FOLDER) / "notes", NAME)
        self._queue = RedisQueue(open_client(URL))
        self._chance = random.Random(f"{seed} {NAME}")
        self._wanted, self._seconds = jobs, seconds
        self._made = self._acknowledged = 0

    async def run(self) -> None:
        """Dispatch until enough is acknowledged."""
        began = time.monotonic()
        while (left := self._wanted - self._acknowledged) > 0:
            due = began + self._seconds * self._acknowledged / self._wanted
            await asyncio.sleep(due - time.monotonic())
            size = min(left, self._chance.choice((1, 1, 1, 5, 25)))
            if self._chance.random() < 0.5:
                await self._dispatch_together([self._job() for _ in range(size)])
            else:
                await asyncio.gather(
                    *(self._dispatch(self._job()) for _ in range(size))
                )
        await self._queue.disconnect()

    def _job(self) -> saq.Job:
        chance = self._chance
        (kind,) = chance.choices(list(KINDS), weights=list(KINDS.values()))
        self._made += 1
        name, facts = "quick", dict[str, Any]()
        if kind == "slow":
            name, facts = "slow", {"kwargs": {"seconds": chance.uniform(0.02, 0.8)}}
        elif kind == "threaded":
            name, facts = "threaded", {"kwargs": {"seconds": chance.uniform(0, 0.3)}}
        elif kind == "flaky":
            name, facts = "flaky", {"kwargs": {"fails": chance.randint(1, 2)}}
            facts |= {"retries": 3, "retry_delay": chance.choice((0, 0.2))}
        elif kind == "delayed":
            facts = {"scheduled": int(time.time()) + chance.randint(1, 5)}
        key = f"{NAME}-{self._made}-{kind}"
        return saq.Job(name, key=key, timeout=300, ttl=KEPT, queue=self._queue, **facts)

    async def _dispatch(self, job: saq.Job) -> None:
        await self._send([job], self._queue.enqueue(job))

    async def _dispatch_together(self, jobs: Sequence[saq.Job]) -> None:
        await self._send(jobs, self._queue.enqueue_many(jobs))

    async def _send(self, jobs: Sequence[saq.Job], call: Awaitable[Any]) -> None:
        try:
            reply = await call
        except (RedisError, OSError) as error:
            self._tell("unsure", jobs, error=repr(error))
            await asyncio.sleep(0.1)
            return
        refused = reply is None or (isinstance(reply, list) and not all(reply))
        self._tell("refused" if refused else "acknowledged", jobs)
        self._acknowledged += len(jobs)

    def _tell(self, what: str, jobs: Sequence[saq.Job], **facts: Any) -> None:
        for job in jobs:
            fails = (job.kwargs or {}).get("fails", 0)
            not_before = job.scheduled
            self._journal.note(
                what, job=job.id, fails=fails, not_before=not_before, **facts
            )


asyncio.run(Producer(**json.loads(OPTIONS)).run())
