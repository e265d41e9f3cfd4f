from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jtc.queue.claimed_job import ClaimedJob, read_claimed_job
from jtc.queue.errors import InvalidWorkerId
from jtc.queue.lease_time import lease_arguments, trial_ms
from jtc.queue.redis_queue import RedisQueue

logger = logging.getLogger(__name__)

RECOVER_GROUP = 100
# A script passes so many ids to one command; Lua allows a few thousand.
CLAIM_GROUP = 1000
# What a script says in place of how many ids left the queue.
PAUSED = -1
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
        is_paused: Whether nothing may be taken from the queue.
        pause: Seconds until it goes on by itself; None when it does not.
    """

    now: float
    met: int
    jobs: tuple[ClaimedJob, ...]
    unreadable: tuple[tuple[str, str, bytes | None], ...]
    is_paused: bool = False
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` found.

    Attributes:
        held: Id and claim of each job that the worker held in Redis before; None if it
            was not asked.
        taken: The jobs of dead workers, which this worker now holds in order to give
            them back.
    """

    held: set[tuple[str, str]] | None
    taken: Batch


class Claims:
    """A worker's holds on jobs: taking, recovering, giving up the lease.

    Args:
        queue: The queue to take from.
        worker: The worker's id.

    Attributes:
        latest: The claim of the newest call of `take`, whose reply may be on its way.
        renewed: When the lease was renewed last, by `time.monotonic`; 0 if never.
        could_not_renew: Whether the last try to renew it failed.

    Raises:
        InvalidWorkerId: The id holds white space or a colon.
    """

    def __init__(self, queue: RedisQueue, worker: str) -> None:
        if not _ID.fullmatch(worker):
            raise InvalidWorkerId(worker)
        self.latest = ""
        self.renewed = 0.0
        self.could_not_renew = False
        self.queue = queue
        self.worker = worker
        keys = queue.keys
        self._claim_keys = [keys.queued, keys.active, keys.claims, keys.incomplete]
        self._claim_keys += [keys.workers, keys.halt]
        # A worker that was started again under its former name must not hold what its
        # former self claimed. It is so long because of how the server keeps a hash: one
        # with a value of more than 64 bytes is a table, a shorter one is searched
        # through.
        self._life = secrets.token_hex(32)
        self._tokens = itertools.count(1)
        self._unanswered: str | None = None

    async def take(self, limit: int) -> Batch:
        """Claim up to `limit` jobs in one call.

        A call whose reply was lost may have claimed some. The next call asks for those
        first, under the same claim, so none is left claimed by a worker that does not
        know of it. A reply that came late asks as well: if the process stood still,
        what it was given may be another worker's by now.
        """
        again = self._unanswered is not None
        claim = self._unanswered or self._new_claim()
        self._unanswered = self.latest = claim
        asked = time.monotonic()
        reply = await self._claim(claim, limit, again=again)
        if (time.monotonic() - asked) * 1000 > trial_ms():
            reply = await self._claim(claim, limit, again=True)
        self._unanswered = None
        if reply[1] == PAUSED:
            pause = None if reply[2] < 0 else reply[2] / 1000
            return Batch(reply[0] / 1000, 0, (), (), is_paused=True, pause=pause)
        return self._read(
            reply[0] / 1000,
            reply[1],
            [(i, claim, p) for i, p in zip(reply[2::2], reply[3::2], strict=True)],
        )

    async def look_up(self, job_id: str, claim: str) -> Batch:
        """Read the job that is held under `claim`."""
        payload = await self.queue.redis.get(job_id)
        return self._read(0.0, 1, [(job_id.encode(), claim, payload)])

    async def renew(self) -> bool:
        """Renew the lease; False when it had run out, so that others took the jobs."""
        had, _, _ = await self._recover("", limit=0, look=False)
        return bool(had)

    def note_renewal(self, asked: float, *, had: bool) -> None:
        """Note that the lease was renewed, in this loop or in another thread.

        Args:
            asked: When the call began, by `time.monotonic`.
            had: Whether it had not run out.
        """
        if self.renewed and not had and not self.could_not_renew:
            logger.warning(
                "The lease of worker %s had run out: the process stood still. Jobs "
                "it was running may have been given to other workers.",
                self.worker,
                extra={"action": "lease_lapsed"},
            )
        self.renewed = asked
        self.could_not_renew = False

    async def resign(self) -> None:
        """Give up the lease, unless this worker still holds jobs."""
        keys = self.queue.keys
        await self.queue.scripts.run(
            "resign", [keys.workers, keys.claims], [self.worker]
        )

    async def recover(self, *, look: bool = True) -> Recovered:
        """Renew the lease, take over jobs of dead workers, list what this worker holds.

        Args:
            look: Whether to list it; None is in its place otherwise.
        """
        claim = self._new_claim()
        _, held, taken = await self._recover(claim, limit=RECOVER_GROUP, look=look)
        found = [(i, claim, p) for i, _, p in _in_steps(taken, 3)]
        batch = self._read(0.0, len(found), found)
        former = {i.decode(): c.decode().split()[0] for i, c, _ in _in_steps(taken, 3)}
        for job in batch.jobs:
            job.worker_id = former[job.id]
        holds = {(i.decode(), c.decode()) for i, c in _in_steps(held, 2)}
        return Recovered(held=holds if look else None, taken=batch)

    async def _claim(self, claim: str, limit: int, *, again: bool) -> Any:
        return await self.queue.scripts.run(
            "claim",
            self._claim_keys,
            [self.worker, claim, min(limit, CLAIM_GROUP), trial_ms(), int(again)],
        )

    async def _recover(self, claim: str, *, limit: int, look: bool) -> Any:
        keys = [self.queue.keys.workers, self.queue.keys.claims]
        args = [*lease_arguments(self.worker), claim, limit, int(look)]
        asked = time.monotonic()
        try:
            reply = await self.queue.scripts.run("recover", keys, args)
        except Exception:
            self.could_not_renew = True
            raise
        self.note_renewal(asked, had=bool(reply[0]))
        return reply

    async def adopt(self, looked_at: Sequence[tuple[str, str]]) -> Batch:
        """Claim jobs that are active and nobody's.

        Args:
            looked_at: Id and digest of the document of each; one that changed since is
                left alone.
        """
        keys = self.queue.keys
        args = [text for pair in looked_at for text in pair]
        reply = await self.queue.scripts.run(
            "adopt",
            [keys.active, keys.claims, keys.incomplete],
            [claim := self._new_claim(), *args],
        )
        found = [(i, claim, payload) for i, payload in _in_steps(reply, 2)]
        return self._read(0.0, len(found), found)

    def _new_claim(self) -> str:
        return f"{self.worker} {self._life}.{next(self._tokens)}"

    def _read(
        self, now: float, met: int, found: Sequence[tuple[bytes, str, bytes | None]]
    ) -> Batch:
        jobs: list[ClaimedJob] = []
        unreadable: list[tuple[str, str, bytes | None]] = []
        for job_id, claim, payload in found:
            job = read_claimed_job(self.queue, payload)
            if job is None or job.id.encode() != job_id:
                unreadable.append((job_id.decode(), claim, payload))
                continue
            job.claim = claim
            jobs.append(job)
        return Batch(now, met, tuple(jobs), tuple(unreadable))


def _in_steps(flat: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    return zip(*(flat[i::size] for i in range(size)), strict=True)
