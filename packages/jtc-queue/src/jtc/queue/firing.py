from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from jtc.queue.decision import Decision, Stretch, decide
from jtc.queue.draining import cancel_all
from jtc.queue.due_entry import Due, DueEntry, moment
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.scripts import Argument
from jtc.queue.tick_job import tick_job
from jtc.queue.tick_record import TickRecord

GROUP = 500
"""How many entries one call fires."""
MOST_TICKS = 1000
"""How many ticks one call enqueues, unless they are of one entry."""
Planned = tuple[DueEntry, Decision]
# What `fire.lua` says of a tick that it did not let run.
_SKIPPED = ("overlap", "paused", "outside_window")


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry that this worker has fired.

    Attributes:
        entry: The entry.
        records: What became of the ticks that do not run.
        next: When it is due again; None if never.
    """

    entry: DueEntry
    records: tuple[TickRecord, ...]
    next: datetime | None


class Firing:
    """Enqueues the ticks of what is due, and records those that do not run.

    Args:
        queue: The queue in which the schedules are.
        environment: Where this is, as the `environments` of a task call it.
        tell: Called with the records of what has just been fired.
    """

    def __init__(
        self, queue: RedisQueue, environment: str | None, tell: Callable[[Fired], None]
    ) -> None:
        self._queue = queue
        self._environment = environment
        self._tell = tell

    async def fire(self, due: Due) -> Sequence[Fired]:
        """Fire all that is due; return what no other worker fired first."""
        calls: list[asyncio.Task[list[Fired]]] = []
        try:
            for group in self._groups(due):
                calls.append(asyncio.create_task(self._fire(group, due.now)))
                # The server fires one group while the next is made ready.
                await asyncio.sleep(0)
            fired = await asyncio.gather(*calls)
        except BaseException:
            await cancel_all(calls)
            raise
        return [one for group in fired for one in group]

    def _groups(self, due: Due) -> Iterator[Sequence[Planned]]:
        now = moment(due.now)
        group: list[Planned] = []
        ticks = 0
        for entry in due.entries:
            decision = self._decide(entry, due, now)
            group.append((entry, decision))
            ticks += len(decision.runs)
            if len(group) >= GROUP or ticks >= MOST_TICKS:
                yield group
                group, ticks = [], 0
        if group:
            yield group

    async def _fire(self, planned: Sequence[Planned], now: float) -> list[Fired]:
        args: list[Argument] = [self._queue.history_length]
        for entry, decision in planned:
            args += self._arguments(entry, decision, now)
        keys = self._queue.keys
        replies = await self._queue.scripts.run(
            "fire", [keys.due, keys.last, *keys.ticks], args
        )
        clock = moment(now)
        fired = [
            Fired(entry, _records(entry, decision, words, clock), decision.next)
            for (entry, decision), words in zip(planned, replies, strict=True)
            if words != b"lost"
        ]
        for one in fired:
            self._tell(one)
        return fired

    def _decide(self, entry: DueEntry, due: Due, now: datetime) -> Decision:
        # What became due while this worker was there did not lack one that knows it.
        was_due = entry.due
        was_here = was_due >= due.asked_since
        return decide(
            entry.task,
            was_due,
            now,
            environment=self._environment,
            polled_since=None if was_here else due.polled_since,
        )

    def _arguments(
        self, entry: DueEntry, decision: Decision, now: float
    ) -> list[Argument]:
        task, options = entry.task, entry.task.options
        args: list[Argument] = [
            entry.member,
            task.name,
            entry.fingerprint,
            entry.score,
            "" if decision.next is None else f"{decision.next.timestamp():.3f}",
            _overlap(entry, decision),
            "" if options.max_runs is None else options.max_runs,
            len(decision.lost),
        ]
        for lost in decision.lost:
            args += [_seconds(lost.first), _seconds(lost.last), lost.count]
            args.append(lost.outcome)
        args.append(len(decision.runs))
        for run in decision.runs:
            job = tick_job(
                self._queue, task, run.tick, now=now, kind=run.kind, target=entry.target
            )
            args += [_seconds(run.tick), job.id, self._queue.serialize(job)]
        return args


def _overlap(entry: DueEntry, decision: Decision) -> str:
    """Return what becomes of ticks while the one before them is not done."""
    options = entry.task.options
    if options.overlap == "allow":
        return "allow"
    is_catching_up = any(run.kind == "caught_up" for run in decision.runs)
    if options.catchup == "all" and is_catching_up:
        # They are all to run: one after the other.
        return "buffer_all"
    return options.overlap


def _records(
    entry: DueEntry, decision: Decision, words: Sequence[bytes], now: datetime
) -> tuple[TickRecord, ...]:
    # The usual case, and there may be a thousand of them at once.
    if not decision.lost and all(word == b"enqueued" for word in words):
        return ()
    found = [word.decode() for word in words]
    lost, ran = found[: len(decision.lost)], found[len(decision.lost) :]
    stretches = [
        stretch
        for stretch, word in zip(decision.lost, lost, strict=True)
        if word != "duplicate"
    ]
    stretches += [
        Stretch(run.tick, run.tick, 1, f"skipped:{word}")
        for run, word in zip(decision.runs, ran, strict=True)
        if word in _SKIPPED
    ]
    return tuple(
        TickRecord(
            name=entry.task.name,
            tick=stretch.first,
            until=stretch.last,
            count=stretch.count,
            outcome=stretch.outcome,
            at=now,
        )
        for stretch in stretches
    )


def _seconds(tick: datetime) -> int:
    return round(tick.timestamp())
