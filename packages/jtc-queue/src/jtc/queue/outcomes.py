from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from jtc.queue.claimed_job import Hold
from jtc.queue.job_fields import job_fields
from jtc.queue.observing import observe_end
from jtc.queue.outage import backoff, is_outage
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.settlement import Settlement

logger = logging.getLogger(__name__)


class Outcomes:
    """What attempts came to, kept until the server has it.

    While the server is away they are sent again and again: they are all that is known
    of work already done.

    Args:
        queues: Where the jobs come from; each is settled in its own.
        changed: Called when one is settled, or given up.

    Attributes:
        delayed: Called with the seconds after which a job may run again.
    """

    def __init__(
        self, queues: Iterable[RedisQueue], changed: Callable[[], None]
    ) -> None:
        named = list(queues)
        self._queues = {"": named[0]} | {queue.name: queue for queue in named}
        self._changed = changed
        self.delayed: Callable[[float], object] = lambda _: None
        self._unsettled: dict[Hold, Settlement] = {}
        self._again: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._unsettled)

    @property
    def holds(self) -> AbstractSet[Hold]:
        """The jobs that are not settled yet."""
        return self._unsettled.keys()

    def settle(self, settlement: Settlement) -> None:
        """Send a settlement, again and again while the server is away."""
        self._unsettled[settlement.hold] = settlement
        queue = self._queues[settlement.queue]
        queue.post(settlement, partial(self._settled, settlement))

    def _settled(
        self,
        settlement: Settlement,
        applied: bool | None,  # noqa: FBT001 - a listener's form
        error: BaseException | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            return
        if error is not None and is_outage(error):
            task = asyncio.create_task(self._settle_again(settlement))
            self._again.add(task)
            task.add_done_callback(self._again.discard)
            return
        self._forget(settlement)
        if error is not None:
            _report_unsettled(settlement, error)
        elif applied:
            self._count(settlement)
        else:
            _report_stale(settlement)

    async def _settle_again(self, settlement: Settlement) -> None:
        failures = 1
        queue = self._queues[settlement.queue]
        while True:
            await asyncio.sleep(backoff(failures))
            try:
                applied = await queue.settle_again(settlement)
            except Exception as error:
                if is_outage(error):
                    failures += 1
                    continue
                _report_unsettled(settlement, error)
            else:
                if applied:
                    self._count(settlement)
                else:
                    _report_unsure(settlement)
            self._forget(settlement)
            return

    def _forget(self, settlement: Settlement) -> None:
        self._unsettled.pop(settlement.hold, None)
        self._changed()

    def _count(self, settlement: Settlement) -> None:
        queue = self._queues[settlement.queue]
        observe_end(queue, settlement)
        if settlement.kind in ("retry", "release") and settlement.number:
            self.delayed(settlement.number / 1000)
        if settlement.kind == "retry":
            queue.retried += 1
        elif settlement.kind == "failed":
            queue.failed += 1
        elif settlement.status == "complete":
            queue.complete += 1
        elif settlement.status == "aborted":
            queue.aborted += 1


def _report_unsettled(settlement: Settlement, error: BaseException) -> None:
    logger.error(
        "Job %s was not settled.",
        settlement.job_id,
        exc_info=error,
        extra=_about("not_settled", settlement),
    )


def _report_stale(settlement: Settlement) -> None:
    logger.warning(
        "Dropped the outcome of job %s: its claim is no longer held.",
        settlement.job_id,
        extra=_about("stale_settle", settlement),
    )


def _report_unsure(settlement: Settlement) -> None:
    logger.warning(
        "The outcome of job %s was sent again after a lost reply, and its claim is no "
        "longer held: either it was written the first time and the job has gone on "
        "since, or another worker has taken the job over.",
        settlement.job_id,
        extra=_about("unsure_settle", settlement),
    )


def _about(action: str, settlement: Settlement) -> dict[str, Any]:
    job = settlement.job
    fields = {"job_id": settlement.job_id} if job is None else job_fields(job)
    return {"action": action, **fields}
