from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time
from typing import Any, Literal

from jtc.schedule.errors import InvalidTaskOption, UnknownTaskOption
from jtc.schedule.option_rules import RULES
from jtc.schedule.ping import Ping

Dst = Literal["auto", "skip", "repeat"]
Overlap = Literal["skip", "allow", "buffer_one"]
Catchup = Literal["latest", "all", "none"]

Predicate = Callable[..., bool | Awaitable[bool]]
"""Called with nothing, or with the tick's nominal time."""
Exclusion = tuple[date, date] | Callable[[datetime], bool]
"""The first and the last of several days, or a function of the nominal time."""
Hook = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TaskOptions:
    """What may be said of a task beside its schedule.

    Every value is checked and brought into the form that is described here; what else
    may be written for it is said by `OptionKeywords`. Times that name no zone of their
    own are in the task's.

    Attributes:
        timezone: The IANA name in which the schedule is read; None leaves it to the
            worker, whose default is UTC.
        dst: What a cron expression does where the clocks change.
        jitter: Seconds by which a tick may be late on purpose; the same on all workers.
        phase: Seconds by which the ticks of an interval come after its multiples.
        starts_at: There are no ticks before; aware.
        ends_at: There are no ticks after; aware.
        max_runs: After so many runs there are no more ticks.
        exclude: Ticks on these days are skipped: the first and the last of a stretch of
            days, or a function of the nominal time, given in the task's zone.
        when: A tick is skipped unless this is true.
        skip: A tick is skipped if this is true.
        between: Ticks outside these times of the day are skipped; the first may be
            later than the second, for a night. The first belongs to it, the last too.
        days: Ticks on other days of the week are skipped; 0 is Sunday.
        environments: Ticks in another environment (`JTC_ENV`) are skipped.
        enabled: Whether the task is scheduled at all.
        overlap: What becomes of a tick while the one before still waits or runs.
        catchup: Which ticks run that nobody was there for.
        catchup_window: Seconds; ticks that are older never run.
        catchup_limit: How many ticks `catchup="all"` runs at the most, the newest.
        run_on_start: Whether the task also runs when it is first scheduled.
        timeout: Seconds that one attempt may take.
        tries: How many attempts a tick has.
        backoff: Seconds before the next attempt; several, of which the last repeats; or
            an object with a method `delay`, as `jtc.queue.Exponential`.
        queue: The queue whose workers run it; the worker's own unless given.
        payload: Keyword arguments for the function.
        on_success: Called after the tick has run, with the context.
        on_failure: Called when its last attempt has failed, with the context and the
            error.
        on_skipped: Called with the record of what was skipped.
        on_missed: Called with the record of what was missed.
        ping: URLs that are called when a tick starts, and when it has ended.
        expect_within: Seconds within which the task has to succeed again; it counts as
            missed when it does not. None for any time.

    Raises:
        InvalidTaskOption: A value can never work, or not together with another.
        InvalidTimezone: The zone is unknown here.

    Example:
        >>> TaskOptions(tries=3).derive({"days": "weekends", "timeout": 60})
        TaskOptions(days=frozenset({0, 6}), timeout=60, tries=3)
    """

    timezone: str | None = None
    dst: Dst = "auto"
    jitter: float = 0
    phase: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_runs: int | None = None
    exclude: tuple[Exclusion, ...] = ()
    when: Predicate | None = None
    skip: Predicate | None = None
    between: tuple[time, time] | None = None
    days: frozenset[int] | None = None
    environments: frozenset[str] | None = None
    enabled: bool = True
    overlap: Overlap = "skip"
    catchup: Catchup = "latest"
    catchup_window: float = 3600
    catchup_limit: int = 100
    run_on_start: bool = False
    timeout: float = 300
    tries: int = 1
    backoff: float | Sequence[float] | Any = 0
    queue: str | None = None
    # Not shown: the options do not know what is secret of it.
    payload: Mapping[str, Any] | None = field(default=None, hash=False, repr=False)
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_skipped: Hook | None = None
    on_missed: Hook | None = None
    ping: Ping | None = None
    expect_within: float | None = None

    def __post_init__(self) -> None:
        for option, default in _DEFAULTS.items():
            value = getattr(self, option)
            if value is not default:
                object.__setattr__(self, option, RULES[option](option, value))
        if self.starts_at and self.ends_at and self.starts_at > self.ends_at:
            problem = f"it is before starts_at={self.starts_at.isoformat()}"
            raise InvalidTaskOption("ends_at", self.ends_at.isoformat(), problem)

    def __repr__(self) -> str:
        said = {
            option: getattr(self, option)
            for option, default in _DEFAULTS.items()
            if getattr(self, option) != default
        }
        return f"TaskOptions({', '.join(f'{k}={v!r}' for k, v in said.items())})"

    def derive(self, changes: Mapping[str, Any]) -> TaskOptions:
        """Return these options with changes, written as `OptionKeywords` says.

        Raises:
            UnknownTaskOption: There is no such option.
            InvalidTaskOption: A value can never work, or not together with another.
            InvalidTimezone: The zone is unknown here.
        """
        for option in changes:
            if option not in _DEFAULTS:
                raise UnknownTaskOption(option, known=[*_DEFAULTS])
        return replace(self, **changes) if changes else self


_DEFAULTS = {option.name: option.default for option in fields(TaskOptions)}

NO_OPTIONS = TaskOptions()
"""What holds for a task of which nothing is said."""
