from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from jtc.jobs.held_job import HeldJob
from jtc.jobs.keyed import Keyed
from jtc.queue import Discard, Release

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.jobs.middleware import CallNext


@dataclass(frozen=True, slots=True)
class NoOverlap(Keyed):
    """Middleware that runs one job of a key at a time, whatever worker it is on.

    The others are given back for `retry_after` seconds, without spending a try. What a
    job holds is good for as long as its worker holds the job: it cannot get stuck when
    a worker dies, and does not run out while a job takes long.

    Attributes:
        retry_after: Seconds, or a `timedelta`, after which another one asks again; a
            tenth of a second at least.
        on_conflict: `discard` gives up what comes while another one runs.

    Raises:
        InvalidOption: One of them is unusable.

    Example:
        >>> NoOverlap(key=("tenant_id", "region"), on_conflict="discard").retry_after
        2.0
    """

    _: KW_ONLY
    retry_after: float | timedelta = 2.0
    on_conflict: Literal["release", "discard"] = "release"

    def __post_init__(self) -> None:
        Keyed.__post_init__(self)
        if self.on_conflict not in ("release", "discard"):
            raise self._invalid("on_conflict", "'release' or 'discard'")
        self._seconds("retry_after", least=0.1)

    async def __call__(self, job: Job, call_next: CallNext, /) -> Any:
        """Run the job if no other one of its key runs.

        Raises:
            Release: Another one does, or nobody knows because the server is away.
            Discard: Another one does, and `on_conflict` is `discard`.
        """
        held = HeldJob.of(job)
        if held is None:
            return await call_next()
        lock = self.digest(job)
        await self._take(lock, held)
        try:
            return await call_next()
        finally:
            await held.tell(
                "unlock", [held.queue.keys.locks], lock, held.id, held.claim
            )

    async def _take(self, lock: str, held: HeldJob) -> None:
        keys = held.queue.keys
        names = [keys.locks, keys.claims]
        if await held.ask("lock", names, lock, held.id, held.claim):
            return
        reason = "another job of its key runs"
        if self.on_conflict == "discard":
            raise Discard(reason)
        raise Release(reason, after=self.retry_after)
