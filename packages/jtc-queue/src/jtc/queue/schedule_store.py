from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from jtc.queue.definition import IN_CODE
from jtc.queue.groups import OnProgress, in_groups
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import script_source

PAGE = 500
"""How many schedules one call reads or makes."""
MOST_NAMES = 2000
"""Among how many names a near one is looked for."""
_SCRIPTS = (
    "add_schedules",
    "update_schedule",
    "remove_schedule",
    "pause",
    "resume",
    "backfill",
)


class NewEntry(NamedTuple):
    """A schedule to be made; a job to enqueue with it and `expected` may be empty."""

    name: str
    definition: bytes
    due: float | str
    job_id: str = ""
    job: bytes = b""
    expected: bytes = b""


class DueChange(NamedTuple):
    """What becomes of an entry in `due`: see `update_schedule.lua`."""

    kind: Literal["keep", "none", "set", "fill"]
    score: float = 0


@dataclass(frozen=True, slots=True)
class State:
    """What Redis holds of a schedule beside its definition; times in epoch seconds."""

    due: float | None
    paused: bytes | None
    last: bytes | None
    now: float


class ScheduleStore:
    """The keys of a queue that are about schedules, and the steps that change them.

    Args:
        queue: The queue.
    """

    def __init__(self, queue: RedisQueue) -> None:
        self._redis = queue.redis
        self._keys = queue.keys
        self._scripts: Mapping[str, Any] = {
            name: queue.redis.register_script(script_source(name)) for name in _SCRIPTS
        }

    # -- reading -----------------------------------------------------------------------

    async def now(self) -> float:
        """Return the server's clock in epoch seconds."""
        seconds, microseconds = await self._redis.time()
        return float(seconds + microseconds / 1e6)

    async def definition(self, name: str) -> bytes | None:
        """Return the definition of a schedule; None when the queue has none."""
        found: Any = self._redis.hget(self._keys.definitions, name)
        text: bytes | None = await found
        return text

    async def definitions(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Return the definitions of schedules; None where the queue has none."""
        if not names:
            return {}
        found: Any = self._redis.hmget(self._keys.definitions, list(names))
        return dict(zip(names, await found, strict=True))

    async def pages(self) -> AsyncIterator[dict[str, bytes]]:
        """Yield all definitions by name, some at a time; a name may come twice."""
        cursor = 0
        while True:
            found: Any = self._redis.hscan(self._keys.definitions, cursor, count=PAGE)
            cursor, page = await found
            yield {name.decode(): text for name, text in page.items()}
            if cursor == 0:
                return

    async def states(self, members: Mapping[str, str]) -> Sequence[State]:
        """Return the state of schedules, given by name with their entry in `due`."""
        if not members:
            return ()
        names = list(members)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.time()
            pipe.zmscore(self._keys.due, list(members.values()))
            pipe.hmget(self._keys.paused, names)
            for name in names:
                pipe.lindex(f"{self._keys.history}{name}", 0)
            (seconds, micros), due, paused, *last = await pipe.execute()
        rows = zip(due, paused, last, strict=True)
        return [State(*row, now=seconds + micros / 1e6) for row in rows]

    async def history(self, name: str, limit: int) -> Sequence[bytes]:
        """Return the newest records of a schedule."""
        if limit < 1:
            return ()
        found: Any = self._redis.lrange(f"{self._keys.history}{name}", 0, limit - 1)
        lines: list[bytes] = await found
        return lines

    async def histories(
        self, names: Sequence[str], limit: int
    ) -> Sequence[Sequence[bytes]]:
        """Return the newest records of several schedules."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.lrange(f"{self._keys.history}{name}", 0, limit - 1)
            return list(await pipe.execute())

    async def runs(self, name: str) -> int:
        """Return how many ticks were enqueued, as far as they are counted."""
        found: Any = self._redis.hget(self._keys.runs, name)
        return int(await found or 0)

    async def names(self) -> Sequence[str]:
        """Return names of schedules: all, or some of very many."""
        names: list[str] = []
        async for page in self.pages():
            names += page
            if len(names) >= MOST_NAMES:
                break
        return names[:MOST_NAMES]

    # -- changing ----------------------------------------------------------------------

    async def add(self, entries: Sequence[NewEntry]) -> Sequence[bool]:
        """Make schedules; return for each whether its name was free."""
        keys = self._keys
        added: list[bool] = []
        for group in in_groups(entries, PAGE):
            reply = await self._run(
                "add_schedules",
                [
                    *(keys.definitions, keys.due, keys.workers, *keys.ticks),
                    *(keys.expected, keys.overdue),
                ],
                [part for entry in group for part in entry],
            )
            added += map(bool, reply)
        return added

    async def update(
        self, name: str, *, before: bytes, after: bytes, due: DueChange, expected: bytes
    ) -> bool:
        """Change a schedule; False when it is not any more what it was before."""
        keys = self._keys
        reply = await self._run(
            "update_schedule",
            [
                *(keys.definitions, keys.due, keys.queued, keys.workers),
                *(keys.expected, keys.overdue),
            ],
            [name, before, after, *due, expected],
        )
        return bool(reply)

    async def remove(self, name: str) -> str:
        """Remove a schedule: 'removed', 'unknown' or 'in_code'."""
        keys = self._keys
        return await self._word(
            "remove_schedule",
            [
                keys.definitions,
                keys.due,
                keys.paused,
                keys.last,
                keys.previous,
                keys.runs,
                keys.succeeded,
                keys.expected,
                keys.overdue,
                f"{keys.history}{name}",
                f"{keys.buffer}{name}",
            ],
            [name, IN_CODE],
        )

    async def backfill(
        self,
        name: str,
        *,
        keep: int,
        records: Sequence[bytes],
        jobs: Sequence[tuple[str, bytes]],
        is_free: bool,
        is_dry: bool,
        on_progress: OnProgress | None = None,
    ) -> Sequence[bool]:
        """Run ticks one after the other; return for each whether it will be run.

        Args:
            name: The schedule.
            keep: How many records are kept.
            records: Of ticks that do not run.
            jobs: Id and document of each of the others.
            is_free: Whether they may overlap.
            is_dry: Whether to change nothing.
            on_progress: Is told how many of the jobs are looked at.
        """
        added: list[bool] = []
        lines = records
        # Without any job there are still the records.
        for group in in_groups(jobs, PAGE, on_progress) if jobs else [()]:
            parts = [part for job in group for part in job]
            args = [name, keep, int(is_free), int(is_dry), len(lines), *lines, *parts]
            added += map(bool, await self._run("backfill", self._keys.ticks, args))
            lines = ()
        return added

    async def pause(
        self, name: str, *, note: str, until: float | None, is_known: bool
    ) -> str:
        """Pause a schedule: 'paused', 'unknown' or 'past'."""
        end = "" if until is None else until
        return await self._word(
            "pause",
            [self._keys.definitions, self._keys.paused],
            [name, note, end, int(is_known)],
        )

    async def resume(self, name: str, *, is_known: bool) -> str:
        """Let a schedule go on: 'resumed', 'running' or 'unknown'."""
        keys = [self._keys.definitions, *self._keys.ticks, self._keys.overdue]
        return await self._word("resume", keys, [name, int(is_known)])

    async def _word(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> str:
        word: bytes = await self._run(script, keys, args)
        return word.decode()

    async def _run(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return await self._scripts[script](keys=keys, args=args)
