from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from jtc.queue.dst_check import dst_findings
from jtc.queue.schedule_finding import Finding
from jtc.queue.ticks import next_tick, ticks_after
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import skip_reason
from jtc.schedule.fingerprint import fingerprint_of
from jtc.schedule.options import NO_OPTIONS

_YEAR = timedelta(days=366)
_HOUR = timedelta(hours=1)
_LOOKED_AT_SINGLY = 10_000
_GAPS_LOOKED_AT = 1000
# Names of one zone, in which clocks never changed.
_UTC = frozenset(
    {"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu"}
    | {"Etc/Zulu", "GMT", "Etc/GMT", "GMT0", "Etc/GMT0", "Greenwich", "Etc/Greenwich"}
    | {"GMT+0", "Etc/GMT+0", "GMT-0", "Etc/GMT-0"}
)


def check_schedules(
    tasks: Iterable[ScheduledTask],
    *,
    now: datetime,
    environment: str | None = None,
) -> list[Finding]:
    """Return what can hardly be meant so about schedules, looking a year ahead.

    | kind | severity | when |
    |---|---|---|
    | `ended` | warning | `ends_at` has passed |
    | `never_runs` | error | there are no ticks, or all are excluded |
    | `duplicate` | error | another task has the same function, schedule and payload |
    | `dst_gap` | warning | clocks skip a tick, and `dst` does not say what is meant |
    | `dst_fold` | warning | clocks show a tick twice, and `dst` does not say so |
    | `overlap` | warning | `timeout` is longer than the time between two ticks |
    | `expectation` | warning | two runs are further apart than `expect_within` |

    Args:
        tasks: The tasks; those that are not enabled are left out.
        now: The beginning of the year, aware.
        environment: Only tasks that run there are looked at; all unless given.

    Example:
        >>> from datetime import UTC
        >>> tasks = [ScheduledTask(print, "@hourly", "log", timeout=7200)]
        >>> [found.kind for found in check_schedules(tasks, now=datetime.now(UTC))]
        ['overlap']
    """
    checked = [task for task in tasks if _is_scheduled(task, environment)]
    return [
        finding
        for place, task in enumerate(checked)
        for finding in (
            *_duplicates(task, checked[:place]),
            *(_endings(task, now) or _exclusions(task, now)),
            *dst_findings(task, now, now + _YEAR),
            *_overlaps(task, now),
            *_expectations(task, now, environment),
        )
    ]


def _is_scheduled(task: ScheduledTask, environment: str | None) -> bool:
    if not task.options.enabled:
        return False
    allowed = task.options.environments
    return environment is None or allowed is None or environment in allowed


def _duplicates(
    task: ScheduledTask, earlier: Sequence[ScheduledTask]
) -> Iterator[Finding]:
    for other in earlier:
        if _does_the_same(task, other):
            yield Finding(
                task.name,
                "duplicate",
                "error",
                f"It has the function and the schedule of {other.name!r}, which so "
                "runs twice at each tick. Remove one of them, or give them different "
                "payloads.",
            )
            return


def _does_the_same(task: ScheduledTask, other: ScheduledTask) -> bool:
    if task.func != other.func or _ticks_of(task) != _ticks_of(other):
        return False
    ours, theirs = task.options, other.options
    return ours.payload == theirs.payload and ours.queue == theirs.queue


def _ticks_of(task: ScheduledTask) -> str:
    """Return the fingerprint, the same for all names of UTC.

    The task's own keeps them apart: it is stored, and may not change.
    """
    if task.timezone not in _UTC:
        return task.fingerprint
    return fingerprint_of(task.schedule, replace(task.options, timezone=None))


def _endings(task: ScheduledTask, now: datetime) -> list[Finding]:
    """Return the finding that there are no ticks, if so."""
    if next_tick(task, now) is not None:
        return []
    ends_at = task.options.ends_at
    if ends_at is not None and ends_at < now:
        message = (
            f"It has ended: ends_at={ends_at.isoformat()} has passed. Remove it, or "
            "let it end later."
        )
        return [Finding(task.name, "ended", "warning", message)]
    message = (
        "It has no tick between starts_at and ends_at. Let it begin earlier or end "
        "later."
    )
    return [Finding(task.name, "never_runs", "error", message)]


def _exclusions(task: ScheduledTask, now: datetime) -> Iterator[Finding]:
    reasons = _reasons_of_all(task, now)
    if not reasons:
        return
    yield Finding(
        task.name,
        "never_runs",
        "error",
        f"Every tick of the year is skipped: {' and '.join(sorted(reasons))}. The "
        "schedule and its conditions exclude each other; change one of them.",
    )


def _reasons_of_all(task: ScheduledTask, now: datetime) -> set[str]:
    """Return why all ticks are skipped, or nothing if one of them is not."""
    allowed = task.options.environments
    environment = min(allowed) if allowed else None
    reasons: set[str] = set()
    for tick in _sample(task, now):
        reason = skip_reason(task, tick, environment)
        if reason is None:
            return set()
        reasons.add(reason)
    return reasons


def _sample(task: ScheduledTask, now: datetime) -> Iterator[datetime]:
    """Yield the ticks of a year, of very many only one in an hour."""
    tick = next_tick(task, now)
    end = (tick or now) + _YEAR
    seen = 0
    while tick is not None and tick <= end:
        yield tick
        seen += 1
        step = _HOUR if seen > _LOOKED_AT_SINGLY else timedelta(0)
        tick = next_tick(task, tick + step)


def _overlaps(task: ScheduledTask, now: datetime) -> Iterator[Finding]:
    timeout = task.options.timeout
    # The default says nothing about how long a task takes; other policies than
    # "skip" say what is meant.
    if timeout == NO_OPTIONS.timeout or task.options.overlap != "skip":
        return
    gap = _smallest_gap(task, now)
    if gap is None or timeout <= gap.total_seconds():
        return
    yield Finding(
        task.name,
        "overlap",
        "warning",
        f"An attempt may take {timeout:g} s, and ticks are {gap.total_seconds():g} s "
        "apart: ticks are skipped while one runs that long. Lower timeout=, space "
        "the ticks out, or say what is meant with overlap='allow' or 'buffer_one'.",
    )


def _smallest_gap(task: ScheduledTask, now: datetime) -> timedelta | None:
    """Return the shortest time between two ticks that follow each other."""
    year = takewhile(lambda tick: tick <= now + _YEAR, ticks_after(task, now))
    ticks = islice(year, _GAPS_LOOKED_AT)
    return min((later - earlier for earlier, later in pairwise(ticks)), default=None)


def _expectations(
    task: ScheduledTask, now: datetime, environment: str | None
) -> Iterator[Finding]:
    within = task.options.expect_within
    if within is None:
        return
    allowed = task.options.environments
    here = environment or (min(allowed) if allowed else None)
    # Behind those the sample has gaps of its own.
    ticks = islice(_sample(task, now), _LOOKED_AT_SINGLY)
    runs = (tick for tick in ticks if not skip_reason(task, tick, here))
    gaps = ((later - earlier, earlier) for earlier, later in pairwise(runs))
    gap, after = max(gaps, default=(timedelta(0), now))
    if gap.total_seconds() < within:
        return
    yield Finding(
        task.name,
        "expectation",
        "warning",
        f"A success is expected within {within:.15g} s, and there is no tick that "
        f"could bring it for {gap.total_seconds():.15g} s after {after.isoformat()}: "
        "it will be overdue then. Expect it within more, or tell of failures with "
        "ping= or on_failure= instead.",
    )
