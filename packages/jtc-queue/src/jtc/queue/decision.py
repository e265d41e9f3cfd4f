from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Literal

from jtc.queue.absence import Absence
from jtc.queue.due_tick import DueTick, due_ticks
from jtc.queue.ticks import (
    count_ticks,
    fire_time,
    first_due,
    last_to_fire,
    ticks_before,
    ticks_from,
)
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import skip_reason

ON_TIME = timedelta(seconds=60)
"""How old the newest tick may be that is not taken for missed."""

RunKind = Literal["ran", "caught_up"]

_CAUGHT_UP: RunKind = "caught_up"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A tick to enqueue, and the outcome it will be recorded as.

    Attributes:
        tick: The nominal time.
        kind: `ran` when it is on time, `caught_up` when nobody was there for it.
    """

    tick: datetime
    kind: RunKind


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive ticks that will not run, all for the same reason.

    Attributes:
        first: The oldest nominal time.
        last: The newest nominal time, which is `first` if there is one tick.
        count: How many ticks there are from `first` to `last`.
        outcome: `missed:...` or `skipped:...`, as it is recorded.
    """

    first: datetime
    last: datetime
    count: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about an entry that is due.

    Each tick that fires from the time it was due to the time of the decision is in one
    of the two, and in it once.

    Attributes:
        runs: The ticks to enqueue, oldest first.
        lost: The ticks that will not run, oldest first.
        next: When the entry is due again, jitter included; None if never.
    """

    runs: tuple[PlannedRun, ...]
    lost: tuple[Stretch, ...]
    next: datetime | None


def decide(
    task: ScheduledTask,
    due: datetime,
    now: datetime,
    *,
    environment: str | None = None,
    polled_since: datetime | None = None,
) -> Decision:
    """Decide what becomes of the ticks that fire from `due` to `now`.

    The newest is on time if it is not older than a minute, and runs. Nobody was there
    for the others: which of them are run after all is said by `catchup`. Ticks that a
    condition of the task excludes are skipped.

    The cost depends on the days that have passed, not on the ticks.

    Args:
        task: The task that is due.
        due: When the first tick fires that has not been dealt with.
        now: The server's clock.
        environment: Where this is, see `JTC_ENV`.
        polled_since: Since when a worker has looked for due ticks without a break; a
            tick that was due later was missed for want of a worker that knows the task.
    """
    ticks = ticks_from(task, due)
    if (oldest := next(ticks, None)) is None:
        return Decision((), (), None)
    if (fires := fire_time(task, oldest)) > now:
        return Decision((), (), fires)
    following = next(ticks, None)
    upcoming = None if following is None else fire_time(task, following)
    if upcoming is not None and upcoming <= now:
        newest = last_to_fire(task, now) or oldest
        near = due_ticks(task, oldest, newest, now, environment)
        upcoming = first_due(task, now)
    elif now - fires <= ON_TIME and not skip_reason(task, oldest, environment):
        # The usual case, and there may be a thousand of them at once.
        return Decision((PlannedRun(oldest, "ran"),), (), upcoming)
    else:
        near = due_ticks(task, oldest, oldest, now, environment)
    return _sorted_out(Absence(task, now, polled_since), oldest, [*near], upcoming)


def _sorted_out(
    absence: Absence,
    oldest: datetime,
    near: Sequence[DueTick],
    upcoming: datetime | None,
) -> Decision:
    """Return the decision on ticks that are not all on time.

    Args:
        absence: Why those do not run that do not run.
        oldest: The first of all.
        near: Those that are looked at singly, the newest first.
        upcoming: When the entry is due again.
    """
    runs = _runs(absence.task, near, absence.now)
    pieces = [*_counted(oldest, near[-1], absence), *_single(near, runs, absence)]
    planned = (PlannedRun(tick, kind) for tick, kind in reversed(runs.items()))
    return Decision(tuple(planned), tuple(_lost(pieces)), upcoming)


def _runs(
    task: ScheduledTask, near: Sequence[DueTick], now: datetime
) -> dict[datetime, RunKind]:
    """Return which ticks run, and as what; the newest first."""
    options = task.options
    left = {"latest": 1, "all": options.catchup_limit, "none": 0}[options.catchup]
    runs: dict[datetime, RunKind] = {}
    if not near[0].skipped and now - near[0].fires <= ON_TIME:
        runs[near[0].tick] = "ran"
        left = 0 if options.catchup == "latest" else left
    since = now - timedelta(seconds=options.catchup_window)
    late = [
        one.tick
        for one in near
        if not one.skipped and one.fires >= since and one.tick not in runs
    ]
    return runs | dict.fromkeys(late[:left], _CAUGHT_UP)


def _counted(oldest: datetime, end: DueTick, absence: Absence) -> Iterator[Stretch]:
    """Yield the stretches of the ticks before `end`, which are not looked at singly."""
    if oldest == end.tick:
        return
    task = absence.task
    turns = [next(ticks_from(task, turn), None) for turn in absence.turns()]
    starts = {turn for turn in turns if turn and oldest < turn < end.tick}
    for first, stop in pairwise(sorted({oldest, *starts, end.tick})):
        last = next(ticks_before(task, stop))
        outcome = absence.outcome(fire_time(task, first))
        if end.skipped == "environment":
            outcome = "skipped:environment"
        yield Stretch(first, last, count_ticks(task, first, last), outcome)


def _single(
    near: Sequence[DueTick], runs: Mapping[datetime, RunKind], absence: Absence
) -> Iterator[Stretch]:
    """Yield what becomes of each tick that was looked at, the oldest first."""
    for one in reversed(near):
        outcome = f"skipped:{one.skipped}" if one.skipped else ""
        outcome = runs.get(one.tick) or outcome or absence.outcome(one.fires)
        yield Stretch(one.tick, one.tick, 1, outcome)


def _lost(pieces: Iterable[Stretch]) -> Iterator[Stretch]:
    for outcome, group in groupby(pieces, key=lambda piece: piece.outcome):
        if outcome in ("ran", "caught_up"):
            continue
        first, *rest = group
        last = rest[-1].last if rest else first.last
        count = first.count + sum(piece.count for piece in rest)
        yield Stretch(first.first, last, count, outcome)
