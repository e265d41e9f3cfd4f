from __future__ import annotations

import asyncio
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jtc.jobs.held_job import HeldJob
from jtc.jobs.keyed import Keyed, is_count
from jtc.queue import Discard, Release

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.jobs.middleware import CallNext

_MOST = 10_000
_SHORTEST = 0.1


@dataclass(frozen=True, slots=True)
class ThrottleExceptions(Keyed):
    """Middleware that lets nothing begin for a while after too many failures.

    So that a service which is down is left alone, and jobs that need it do not use up
    their tries. What comes meanwhile is given back until the time is over. A success
    clears the count.

    Attributes:
        failures: After how many failures, up to 10,000.
        per: Within how many seconds, or a `timedelta`; 60 unless given.
        wait: For how long; as long as `per` unless given.
        exceptions: What counts: an exception class or several, all unless given. A
            timeout is a `JobTimeout`; `Release` and `Discard` never count.

    Raises:
        InvalidOption: One of them is unusable.

    Example:
        >>> bank = ThrottleExceptions(5, per=60, wait=300, exceptions=ConnectionError)
        >>> bank.failures, bank.wait
        (5, 300)
    """

    failures: int
    _: KW_ONLY
    per: float | timedelta = 60.0
    wait: float | timedelta | None = None
    exceptions: type[Exception] | tuple[type[Exception], ...] | None = None

    def __post_init__(self) -> None:
        Keyed.__post_init__(self)
        if not is_count(self.failures, most=_MOST):
            raise self._invalid("failures", f"a whole number from 1 to {_MOST}")
        self._seconds("per", least=_SHORTEST)
        if self.wait is not None:
            self._seconds("wait", least=_SHORTEST)
        if self.exceptions is not None and not _are_exceptions(self.exceptions):
            raise self._invalid("exceptions", "an exception class or a tuple of them")

    async def __call__(self, job: Job, call_next: CallNext, /) -> Any:
        """Run the job unless too many failed before it.

        Raises:
            Release: Too many did, or nobody knows because the server is away.
        """
        held = HeldJob.of(job)
        if held is None:
            return await call_next()
        keys = self._keys(job, held)
        if stopped := await held.ask("throttle", keys, "ask"):
            raise Release(f"{self.failures} have failed", after=stopped / 1000)
        try:
            result = await call_next()
        except (Exception, asyncio.CancelledError) as error:
            if self._counts(held.meaning_of(error)):
                await held.tell("throttle", keys, "failed", *self._numbers())
            raise
        await held.tell("throttle", keys, "passed")
        return result

    def _counts(self, error: BaseException | None) -> bool:
        if error is None or isinstance(error, Release | Discard):
            return False
        return self.exceptions is None or isinstance(error, self.exceptions)

    def _numbers(self) -> tuple[int, int, int]:
        per = self._seconds("per", least=_SHORTEST)
        wait = per if self.wait is None else self._seconds("wait", least=_SHORTEST)
        return self.failures, round(per * 1000), round(wait * 1000)

    def _keys(self, job: Job, held: HeldJob) -> list[str]:
        digest = self.digest(job, *self._numbers())
        place = held.queue.keys.limits + digest
        return [f"{place}:failures", f"{place}:stop"]


def _are_exceptions(value: object) -> bool:
    classes = value if isinstance(value, tuple) else (value,)
    return bool(classes) and all(
        isinstance(one, type) and issubclass(one, Exception) for one in classes
    )
