from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jtc.queue import Release
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.outage import is_outage
from jtc.queue.scripts import Argument

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.queue import RedisQueue
    from jtc.queue.attempt import Attempt

logger = logging.getLogger(__name__)

OUTAGE_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class HeldJob:
    """The queue's side of a job that a worker runs.

    Attributes:
        queue: The queue it came from.
        id: Its key in Redis.
        claim: What entitles the worker to this attempt.
        attempt: What the worker knows of it; None where nobody stops it.
    """

    queue: RedisQueue
    id: str
    claim: str
    attempt: Attempt | None

    @classmethod
    def of(cls, job: Job) -> HeldJob | None:
        """Return what a worker holds of a job; None where it runs without a queue."""
        ctx = job.context._ctx  # noqa: SLF001 - who writes jobs has no use for it
        queued = ctx.get("job")
        if not isinstance(queued, ClaimedJob) or not queued.claim:
            return None
        # A claimed job's queue is the one that it was claimed from.
        queue: Any = queued.get_queue()
        return cls(queue, queued.id, queued.claim, ctx.get("_attempt"))

    def meaning_of(self, error: BaseException) -> BaseException | None:
        """Return the error that `error` stands for; None if the job is not to blame."""
        if not isinstance(error, asyncio.CancelledError):
            return error
        return None if self.attempt is None else self.attempt.stop_error

    async def ask(self, script: str, keys: list[str], *args: Argument) -> Any:
        """Run a script whose answer decides whether the job may run.

        Raises:
            Release: The server is away, so nobody knows.
        """
        try:
            return await self.queue.scripts.run(script, keys, list(args))
        except Exception as error:
            if not is_outage(error):
                raise
            reason = f"Redis is away and could not be asked: {error}"
            raise Release(reason, after=OUTAGE_WAIT) from error

    async def tell(self, script: str, keys: list[str], *args: Argument) -> None:
        """Run a script after the job has run: an outage does not undo its work."""
        try:
            await self.queue.scripts.run(script, keys, list(args))
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning(
                "Redis is away and was not told by %s of job %s: %s",
                script,
                self.id,
                error,
                extra={"action": "limit_not_told", "job_id": self.id},
            )
