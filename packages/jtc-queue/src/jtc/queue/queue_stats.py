from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import saq

from jtc.queue.latency import waits_since
from jtc.queue.pause import Pause, read_pause
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.tally import Ended

MINUTES = 5
"""For how many minutes the throughput is counted, the one that runs included."""
# What was canceled stays in the list until a worker meets it: hence more than one.
HEAD = 10


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How a queue stands.

    Attributes:
        name: The queue's name.
        at: When this was so, in UTC, by the server's clock.
        queued: How many jobs wait for a worker.
        running: How many run.
        delayed: How many wait for their time.
        failed: How many failed for good and are kept.
        oldest: Seconds for which the next job has waited; None when none waits.
        ended: What attempts have come to lately; workers report it every 5 seconds.
        seconds: How long "lately" is.
        workers: How many workers live.
        paused: Since when and until when nothing is taken from it; None if it is not.
    """

    name: str
    at: datetime
    queued: int
    running: int
    delayed: int
    failed: int
    oldest: float | None
    ended: Ended
    seconds: float
    workers: int
    paused: Pause | None

    @property
    def completed_per_minute(self) -> float:
        """How many jobs completed in a minute, on the average."""
        return self.ended.complete * 60 / self.seconds

    @property
    def failed_per_minute(self) -> float:
        """How many attempts went wrong in a minute, those that are retried included."""
        return (self.ended.failed + self.ended.retried) * 60 / self.seconds


async def read_queue_stats(queue: RedisQueue) -> QueueStats:
    """Ask in one call how a queue stands."""
    keys = queue.keys
    now, *counts = await queue.scripts.run(
        "stats",
        [
            *(keys.queued, keys.active, keys.incomplete),
            *(keys.failed, keys.workers, keys.halt),
        ],
        [HEAD, keys.ended, MINUTES, *Ended._fields],
    )
    queued, running, delayed, failed, workers, pause, *rest = counts
    ended, head = rest[: len(Ended._fields)], rest[len(Ended._fields) :]
    return QueueStats(
        name=queue.name,
        at=datetime.fromtimestamp(now / 1000, tz=UTC),
        queued=queued,
        running=running,
        delayed=delayed,
        failed=failed,
        oldest=_longest_wait([queue.deserialize(one) for one in head], now=now),
        ended=Ended(*ended),
        seconds=(MINUTES - 1) * 60 + max(1.0, now / 1000 % 60),
        workers=workers,
        paused=read_pause(pause or None, now=now / 1000),
    )


def _longest_wait(jobs: Iterable[saq.Job | None], *, now: float) -> float | None:
    known = [waits_since(job) for job in jobs if job is not None]
    times = [since for since in known if since is not None]
    return max(0.0, now - min(times)) / 1000 if times else None
