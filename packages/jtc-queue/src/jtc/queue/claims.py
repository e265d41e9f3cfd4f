from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jtc.queue.claimed_job import ClaimedJob, read_claimed_job
from jtc.queue.errors import InvalidWorkerId
from jtc.queue.redis_queue import RedisQueue

LEASE_MS = 15_000
RECOVER_GROUP = 100
# A script passes so many ids to one command; Lua allows a few thousand.
CLAIM_GROUP = 1000
# White space ends the id inside a claim, a colon inside SAQ's key of a worker.
_ID = re.compile(r"[^\s:]+")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one claim brought.

    Attributes:
        now: The server's clock, in seconds since the epoch.
        met: How many ids left the queue; more than there are jobs when some were stale.
        jobs: The jobs, each with its claim.
        unreadable: Id, claim and text of those that are no job of this queue.
    """

    now: float
    met: int
    jobs: tuple[ClaimedJob, ...]
    unreadable: tuple[tuple[str, str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` found.

    Attributes:
        held: Id and claim of each job that the worker held in Redis before.
        taken: The jobs of dead workers, which this worker now holds in order to give
            them back.
    """

    held: tuple[tuple[str, str], ...]
    taken: Batch


class Claims:
    """A worker's holds on jobs: taking, recovering, giving up the lease.

    Args:
        queue: The queue to take from.
        worker: The worker's id.

    Attributes:
        latest: The claim of the newest call of `take`, whose reply may be on its way.

    Raises:
        InvalidWorkerId: The id holds white space or a colon.
    """

    def __init__(self, queue: RedisQueue, worker: str) -> None:
        if not _ID.fullmatch(worker):
            raise InvalidWorkerId(worker)
        self.latest = ""
        self._queue = queue
        self._worker = worker
        # A worker that was started again under its former name must not hold what its
        # former self claimed.
        self._life = secrets.token_hex(4)
        self._tokens = itertools.count(1)
        self._unanswered: str | None = None

    async def take(self, limit: int) -> Batch:
        """Claim up to `limit` jobs in one call.

        A call whose reply was lost may have claimed some. The next call asks for those
        first, under the same claim, so none is left claimed by a worker that does not
        know of it.
        """
        again = self._unanswered is not None
        claim = self._unanswered or self._new_claim()
        self._unanswered = self.latest = claim
        keys = self._queue.keys
        reply = await self._queue.scripts.run(
            "claim",
            [keys.queued, keys.active, keys.claims, keys.incomplete, keys.workers],
            [self._worker, claim, min(limit, CLAIM_GROUP), LEASE_MS, int(again)],
        )
        self._unanswered = None
        return self._read(
            reply[0] / 1000,
            reply[1],
            [(i, claim, p) for i, p in zip(reply[2::2], reply[3::2], strict=True)],
        )

    async def look_up(self, job_id: str, claim: str) -> Batch:
        """Read the job that is held under `claim`."""
        payload = await self._queue.redis.get(job_id)
        return self._read(0.0, 1, [(job_id.encode(), claim, payload)])

    async def renew(self) -> bool:
        """Renew the lease; False when it had run out, so that others took the jobs."""
        reply = await self._queue.scripts.run(
            "renew", [self._queue.keys.workers], [self._worker, LEASE_MS]
        )
        return bool(reply)

    async def resign(self) -> None:
        """Give up the lease, unless this worker still holds jobs."""
        keys = self._queue.keys
        await self._queue.scripts.run(
            "resign", [keys.workers, keys.claims], [self._worker]
        )

    async def recover(self) -> Recovered:
        """Take over jobs that dead workers held, and list what this worker holds."""
        keys = self._queue.keys
        held, taken = await self._queue.scripts.run(
            "recover",
            [keys.workers, keys.claims],
            [self._worker, claim := self._new_claim(), RECOVER_GROUP, LEASE_MS],
        )
        found = [(i, claim, p) for i, _, p in _in_steps(taken, 3)]
        batch = self._read(0.0, len(found), found)
        former = {i.decode(): c.decode().split()[0] for i, c, _ in _in_steps(taken, 3)}
        for job in batch.jobs:
            job.worker_id = former[job.id]
        return Recovered(
            held=tuple((i.decode(), c.decode()) for i, c in _in_steps(held, 2)),
            taken=batch,
        )

    def _new_claim(self) -> str:
        return f"{self._worker} {self._life}.{next(self._tokens)}"

    def _read(
        self, now: float, met: int, found: Sequence[tuple[bytes, str, bytes | None]]
    ) -> Batch:
        jobs: list[ClaimedJob] = []
        unreadable: list[tuple[str, str, bytes | None]] = []
        for job_id, claim, payload in found:
            job = read_claimed_job(self._queue, payload)
            if job is None or job.id.encode() != job_id:
                unreadable.append((job_id.decode(), claim, payload))
                continue
            job.claim = claim
            jobs.append(job)
        return Batch(now, met, tuple(jobs), tuple(unreadable))


def _in_steps(flat: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    return zip(*(flat[i::size] for i in range(size)), strict=True)
