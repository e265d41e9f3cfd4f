"""Which ticks of a task fall on times that clocks skip, or show twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile

from jtc.queue.clock_change import SECOND, ClockChange
from jtc.queue.cron_ticks import CronTicks, cron_ticks
from jtc.queue.schedule_finding import Finding
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import skip_reason

_LOOKED_AT = 100
_ADVICE = "Choose another time, or say what is meant with dst='skip' or dst='repeat'."


def dst_findings(
    task: ScheduledTask, now: datetime, until: datetime
) -> Iterator[Finding]:
    """Yield a finding if clocks skip ticks of a task, and one if they show some twice.

    A `dst` other than `auto` says what is meant, and an expression with a star for the
    hour goes on as if nothing had happened: about these there is nothing to say.
    """
    if not isinstance(task.schedule, str) or task.options.dst != "auto":
        return
    ticks = cron_ticks(task.schedule, task.timezone, "auto")
    if ticks.walls.every_hour() and not ticks.is_fixed:
        return
    gaps: list[str] = []
    folds: list[str] = []
    for change in ticks.clock_changes(now, until):
        if times := _times(task, ticks, change):
            (folds if change.is_fold else gaps).append(times)
    if gaps:
        yield Finding(task.name, "dst_gap", "warning", _gap(task, ticks, gaps))
    if folds:
        yield Finding(task.name, "dst_fold", "warning", _fold(task, ticks, folds))


def _times(task: ScheduledTask, ticks: CronTicks, change: ClockChange) -> str:
    """Return in words which times of a task a change skips or repeats, "" if none."""
    first, end = sorted((change.old, change.new))
    walls = takewhile(lambda wall: wall < end, ticks.walls.after(first - SECOND))
    hit = [
        wall
        for wall in islice(walls, _LOOKED_AT)
        if _would_run(task, wall - change.before if change.is_fold else change.at)
    ]
    if not hit:
        return ""
    text = f"{hit[0]:%Y-%m-%d %H:%M}"
    return text if len(hit) == 1 else f"{text} to {hit[-1]:%H:%M}"


def _would_run(task: ScheduledTask, moment: datetime) -> bool:
    options = task.options
    if options.starts_at is not None and moment < options.starts_at:
        return False
    if options.ends_at is not None and moment > options.ends_at:
        return False
    environment = min(options.environments) if options.environments else None
    return skip_reason(task, moment, environment) is None


def _gap(task: ScheduledTask, ticks: CronTicks, times: list[str]) -> str:
    effect = "runs right after the gap" if ticks.runs_after_gaps else "does not run"
    return (
        f"The clocks of {task.timezone} skip {', '.join(times)}: with dst='auto' it "
        f"{effect}. {_ADVICE}"
    )


def _fold(task: ScheduledTask, ticks: CronTicks, times: list[str]) -> str:
    effect = "both times" if ticks.repeats_in_folds else "the first time only"
    return (
        f"The clocks of {task.timezone} show {', '.join(times)} twice: with dst='auto' "
        f"it runs {effect}. {_ADVICE}"
    )
