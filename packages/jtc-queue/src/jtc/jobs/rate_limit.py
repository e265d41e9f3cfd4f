from __future__ import annotations

import asyncio
import re
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from jtc.jobs.held_job import HeldJob
from jtc.jobs.keyed import Keyed, is_count
from jtc.queue import Discard, Release
from jtc.queue.duration import LONGEST
from jtc.queue.verdict import SHORTEST_RELEASE

if TYPE_CHECKING:
    from jtc.jobs.job import Job
    from jtc.jobs.middleware import CallNext

_RATE = re.compile(r"([0-9]{1,9})/([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# The queue keeps the time of so many starts, about 20 bytes each.
_MOST = 10_000
_SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class RateLimit(Keyed):
    """Middleware that lets at most so many attempts begin in any time of that length.

    What comes too early is given back until exactly its turn, without spending a try:
    each job that waits has a place in a line, so they do not come all at once. The rule
    is a sliding window log, which is exact, unlike a window that begins on the minute
    (twice as many around its edge) or a token bucket (a burst besides the rate).

    The log is described with its alternatives in
    https://www.figma.com/blog/an-alternative-approach-to-rate-limiting/.

    Attributes:
        rate: How many, up to 10,000; or with the time, as in `"100/m"`: `s`, `m`, `h`
            or `d`.
        per: In how many seconds, or a `timedelta`; from 1 ms up to a year.
        on_limit: `discard` gives up what comes too early.

    Raises:
        InvalidOption: One of them is unusable.

    Example:
        >>> limit = RateLimit("100/m", key="tenant_id")
        >>> limit.count, limit.window
        (100, 60.0)
        >>> RateLimit(5, per=timedelta(minutes=10)).window
        600.0
    """

    rate: int | str
    per: float | timedelta | None = None
    _: KW_ONLY
    on_limit: Literal["release", "discard"] = "release"
    count: int = field(init=False, repr=False, compare=False)
    window: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Keyed.__post_init__(self)
        if self.on_limit not in ("release", "discard"):
            raise self._invalid("on_limit", "'release' or 'discard'")
        count, window = self._read()
        if not is_count(count, most=_MOST):
            raise self._invalid("rate", f"1 to {_MOST} starts, or as in '100/m'")
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "window", window)

    async def __call__(self, job: Job, call_next: CallNext, /) -> Any:
        """Run the job if it is its turn.

        Raises:
            Release: It is not, or nobody knows because the server is away.
            Discard: It is not, and `on_limit` is `discard`.
        """
        held = HeldJob.of(job)
        if held is not None and (wait := await self._wait_shortly(job, held)):
            reason = f"{self.count} in {self.window:g} s is the limit"
            if wait < 0:
                raise Discard(reason)
            raise Release(reason, after=min(wait / 1000, LONGEST))
        return await call_next()

    def _read(self) -> tuple[object, float]:
        if not isinstance(self.rate, str):
            return self.rate, float(self._seconds("per", least=_SHORTEST))
        found = _RATE.fullmatch(self.rate)
        if found is None:
            raise self._invalid("rate", "a number, or as in '100/m': s, m, h or d")
        if self.per is not None:
            raise self._invalid("per", f"left out: {self.rate!r} says it")
        return int(found[1]), float(_UNITS[found[2]])

    async def _wait_shortly(self, job: Job, held: HeldJob) -> int:
        wait = await self._ask(job, held)
        if 0 < wait <= SHORTEST_RELEASE * 1000:
            # The queue would not give it back any sooner.
            await asyncio.sleep(wait / 1000)
            wait = await self._ask(job, held)
        return wait

    async def _ask(self, job: Job, held: HeldJob) -> int:
        window = round(self.window * 1_000_000)
        place = held.queue.keys.limits + self.digest(job, self.count, window)
        keys = [f"{place}:starts", f"{place}:line"]
        waits = int(self.on_limit == "release")
        return int(await held.ask("admit", keys, held.id, self.count, window, waits))
