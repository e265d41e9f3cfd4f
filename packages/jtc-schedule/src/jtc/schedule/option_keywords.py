from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from jtc.schedule.options import Catchup, Dst, Exclusion, Hook, Overlap, Predicate
from jtc.schedule.ping import Ping

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Day = date | str
"""A date, or its text as "2026-12-25"."""
WrittenExclusion = Exclusion | Day | tuple[Day, Day]
"""A day, the first and the last of several days, or a function of the nominal time."""


class OptionKeywords(TypedDict, total=False):
    """What may be written of a task beside its schedule; see `TaskOptions`.

    Seconds may be given as a `timedelta`, times of the day as "HH:MM", days of the week
    as "mon", "weekdays", "weekends" or 0 to 7, and one of several without a list.
    """

    timezone: str | ZoneInfo | None
    dst: Dst
    jitter: float | timedelta
    phase: int | timedelta
    starts_at: datetime | None
    ends_at: datetime | None
    max_runs: int | None
    exclude: WrittenExclusion | Collection[WrittenExclusion]
    when: Predicate | None
    skip: Predicate | None
    between: tuple[str | time, str | time] | None
    days: str | int | Collection[str | int] | None
    environments: str | Collection[str] | None
    enabled: bool
    overlap: Overlap
    catchup: Catchup
    catchup_window: float | timedelta
    catchup_limit: int
    run_on_start: bool
    timeout: float | timedelta
    tries: int
    backoff: float | timedelta | Sequence[float | timedelta] | Any
    queue: str | None
    payload: Mapping[str, Any] | None
    on_success: Hook | None
    on_failure: Hook | None
    on_skipped: Hook | None
    on_missed: Hook | None
    ping: str | Ping | None
    expect_within: float | timedelta | None
