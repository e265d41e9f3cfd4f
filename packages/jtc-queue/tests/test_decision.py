from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jtc.queue.decision import Decision, decide
from jtc.queue.ticks import (
    count_ticks,
    fire_time,
    first_due,
    next_tick,
    ticks_after,
    ticks_from,
)
from jtc.schedule import ScheduledTask
from jtc.schedule.conditions import skip_reason

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DUE = datetime(2026, 11, 22, 10, tzinfo=UTC)  # a Sunday


def every(seconds: int, **options: Any) -> ScheduledTask:
    return ScheduledTask(print, seconds, "report", **options)


def cron(expression: str, **options: Any) -> ScheduledTask:
    return ScheduledTask(print, expression, "report", **options)


def ticks_to_fire(
    task: ScheduledTask, due: datetime, until: datetime
) -> Iterator[datetime]:
    return takewhile(lambda tick: fire_time(task, tick) <= until, ticks_from(task, due))


def runs(decision: Decision) -> list[str]:
    return [f"{run.kind} {run.tick:%H:%M:%S}" for run in decision.runs]


def lost(decision: Decision) -> list[str]:
    return [
        f"{one.outcome} {one.first:%H:%M:%S} {one.last:%H:%M:%S} {one.count}"
        for one in decision.lost
    ]


def test_a_tick_on_time_runs() -> None:
    decision = decide(every(60), DUE, DUE + timedelta(milliseconds=3))
    assert runs(decision) == ["ran 10:00:00"]
    assert decision.lost == ()
    assert decision.next == DUE + MINUTE


def test_nothing_is_decided_before_the_time() -> None:
    due = DUE + MINUTE
    assert decide(every(60), due, DUE) == Decision((), (), due)


@pytest.mark.parametrize("catchup", ["latest", "all", "none"])
def test_a_tick_is_on_time_for_a_minute(catchup: str) -> None:
    # Given an hourly task
    task = every(3600, catchup=catchup, catchup_window=1)
    # Then it runs, however short the window, and a moment later it is missed
    assert runs(decide(task, DUE, DUE + MINUTE)) == ["ran 10:00:00"]
    assert runs(decide(task, DUE, DUE + MINUTE + MICROSECOND)) == []


@pytest.mark.parametrize(
    ("catchup", "expected", "missed"),
    [
        ("latest", ["caught_up 10:20:00"], ["missed:down 10:00:00 10:10:00 2"]),
        (
            "all",
            ["caught_up 10:00:00", "caught_up 10:10:00", "caught_up 10:20:00"],
            [],
        ),
        ("none", [], ["missed:down 10:00:00 10:20:00 3"]),
    ],
)
def test_catchup_decides_which_missed_ticks_run(
    catchup: str, expected: list[str], missed: list[str]
) -> None:
    decision = decide(every(600, catchup=catchup), DUE, DUE + 25 * MINUTE)
    assert runs(decision) == expected
    assert lost(decision) == missed
    assert decision.next == DUE + 30 * MINUTE


# With a condition, which excludes none of these, ticks are looked at one by one.
conditions = pytest.mark.parametrize(
    "condition", [{}, {"days": "weekends"}], ids=["all", "weekends"]
)


@conditions
@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        ("latest", ["ran 10:20:00"]),
        ("all", ["caught_up 10:00:00", "caught_up 10:10:00", "ran 10:20:00"]),
        ("none", ["ran 10:20:00"]),
    ],
)
def test_the_newest_tick_is_on_time_after_an_absence_too(
    catchup: str, expected: list[str], condition: dict[str, str]
) -> None:
    task = every(600, catchup=catchup, **condition)
    assert runs(decide(task, DUE, DUE + 20 * MINUTE + SECOND)) == expected


def test_what_is_older_than_the_window_does_not_run() -> None:
    # Given an hour of absence, and a window of 25 minutes
    task = every(600, catchup="all", catchup_window=1500)
    # When
    decision = decide(task, DUE, DUE + HOUR + 5 * MINUTE)
    # Then
    assert runs(decision) == [
        f"caught_up {at}" for at in ("10:40:00", "10:50:00", "11:00:00")
    ]
    assert lost(decision) == ["missed:catchup_window 10:00:00 10:30:00 4"]


def test_a_daily_tick_is_missed_for_good_when_the_window_is_over() -> None:
    decision = decide(cron("0 10 * * *"), DUE, DUE + 9 * HOUR)
    assert runs(decision) == []
    assert lost(decision) == ["missed:catchup_window 10:00:00 10:00:00 1"]
    assert decision.next == DUE + DAY


def test_of_too_many_missed_ticks_the_newest_are_caught_up() -> None:
    task = every(60, catchup="all", catchup_limit=2, catchup_window=600)
    decision = decide(task, DUE, DUE + 15 * MINUTE + SECOND)
    assert runs(decision) == [
        "caught_up 10:13:00",
        "caught_up 10:14:00",
        "ran 10:15:00",
    ]
    assert lost(decision) == [
        "missed:catchup_window 10:00:00 10:05:00 6",
        "missed:catchup_limit 10:06:00 10:12:00 7",
    ]


@conditions
def test_ticks_are_missed_for_want_of_a_worker_that_knows_the_task(
    condition: dict[str, str],
) -> None:
    # Given that somebody has looked for due ticks since 10:20
    since = DUE + 20 * MINUTE
    # When
    task = every(600, catchup="none", **condition)
    decision = decide(task, DUE, DUE + 55 * MINUTE, polled_since=since)
    # Then until then nobody was there, and from then on nobody who knew it
    assert lost(decision) == [
        "missed:down 10:00:00 10:20:00 3",
        "missed:no_worker 10:30:00 10:50:00 3",
    ]


def test_excluded_ticks_are_skipped_and_the_newest_other_one_is_caught_up() -> None:
    # Given a task of the morning, and an absence until after
    task = cron("*/15 * * * *", between=("08:00", "10:30"))
    # When
    decision = decide(task, DUE, DUE + 59 * MINUTE)
    # Then
    assert runs(decision) == ["caught_up 10:30:00"]
    assert lost(decision) == [
        "missed:down 10:00:00 10:15:00 2",
        "skipped:between 10:45:00 10:45:00 1",
    ]


def test_a_tick_on_time_that_is_excluded_is_skipped() -> None:
    task = cron("0 * * * *", exclude=date(2026, 11, 22))
    decision = decide(task, DUE, DUE + SECOND)
    assert (runs(decision), lost(decision)) == (
        [],
        ["skipped:excluded 10:00:00 10:00:00 1"],
    )


def test_skipped_ticks_do_not_count_as_caught_up() -> None:
    # Given a limit of two, and every second tick excluded
    task = every(
        60,
        catchup="all",
        catchup_limit=2,
        exclude=lambda nominal: nominal.minute % 2 == 1,
    )
    # When
    decision = decide(task, DUE, DUE + 7 * MINUTE + SECOND)
    # Then
    assert runs(decision) == ["caught_up 10:04:00", "caught_up 10:06:00"]
    assert [line.split()[0] for line in lost(decision)] == [
        "missed:catchup_limit",
        "skipped:excluded",
        "missed:catchup_limit",
        "skipped:excluded",
        "skipped:excluded",
        "skipped:excluded",
    ]


def test_in_another_environment_all_ticks_of_years_are_skipped_at_once() -> None:
    # Given a task for production, and a year in which nobody was there
    task = every(1, environments="production", catchup="all")
    decision = decide(task, DUE - 365 * DAY, DUE, environment="staging")
    # Then
    [stretch] = decision.lost
    assert stretch.outcome == "skipped:environment"
    assert stretch.count == 365 * 86_400 + 1
    assert decision.runs == ()


def test_jitter_delays_what_is_due_and_what_comes_next() -> None:
    # Given
    task = every(3600, jitter=1800)
    fires, following = fire_time(task, DUE), fire_time(task, DUE + HOUR)
    # Then a tick is due, and on time, when it fires
    assert decide(task, fires, fires - MICROSECOND) == Decision((), (), fires)
    decision = decide(task, fires, fires)
    assert runs(decision) == ["ran 10:00:00"]
    assert decision.next == following


def test_a_task_that_has_ended_is_not_due_again() -> None:
    # Given
    task = every(60, ends_at=DUE + MINUTE)
    # Then
    assert decide(task, DUE, DUE).next == DUE + MINUTE
    assert decide(task, DUE + MINUTE, DUE + MINUTE).next is None
    assert decide(task, DUE + 2 * MINUTE, DUE + HOUR) == Decision((), (), None)


@pytest.mark.parametrize(
    ("task", "most"),
    [
        (every(1), 10),
        (every(1, catchup="all", jitter=0.5), 120),
        (every(1, catchup_window=365 * DAY), 10),
        (every(1, environments="production", days="sat", catchup_window=365 * DAY), 10),
        (cron("* * * * * *", timezone="Europe/Paris"), 10),
        (cron("* * * * *", days="sat"), 120),
        (cron("* * * * * *", days="sat", catchup_window=300 * DAY), 10_010),
    ],
    ids=["latest", "all", "wide", "elsewhere", "cron", "days", "days and wide"],
)
def test_ten_years_are_decided_by_looking_at_few_ticks(
    task: ScheduledTask, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    start, now = datetime(2016, 11, 22, tzinfo=UTC), DUE + 9.5 * SECOND
    looked_at = 0

    def fired(task: ScheduledTask, tick: datetime) -> datetime:
        nonlocal looked_at
        looked_at += 1
        return fire_time(task, tick)

    for name in ("decision", "due_tick"):
        monkeypatch.setattr(f"jtc.queue.{name}.fire_time", fired)
    # When
    decision = decide(task, start, now)
    # Then none is forgotten
    assert looked_at <= most
    decided = len(decision.runs) + sum(one.count for one in decision.lost)
    assert decided == count_ticks(task, start, DUE + 9 * SECOND)
    assert len(decision.lost) <= 4


# -- properties ------------------------------------------------------------------------

schedules: st.SearchStrategy[int | str] = st.sampled_from(
    [60, 90, 1200, 3600, "*/5 * * * *", "*/20 1-3 * * *", "30 2 * * *", "30 1 * * *"]
)
policies = st.fixed_dictionaries(
    {
        "catchup": st.sampled_from(["latest", "all", "none"]),
        "catchup_window": st.sampled_from([1, 600, 3600, 7 * 86_400]),
        "catchup_limit": st.sampled_from([1, 3, 100]),
        "jitter": st.sampled_from([0, 0, 0.5, 45]),
    },
    optional={
        "between": st.sampled_from([("01:00", "02:30"), ("22:00", "04:00")]),
        "days": st.sampled_from(["weekdays", "weekends"]),
        "environments": st.just("production"),
        "exclude": st.just(date(2026, 11, 2)),
    },
)
# The clocks of New York are set back early on 1 November.
starts = st.integers(0, 6 * 1440).map(
    lambda minutes: datetime(2026, 10, 29, tzinfo=UTC) + minutes * MINUTE
)
pauses = st.one_of(
    st.integers(0, 90).map(lambda seconds: seconds * SECOND),
    st.integers(1, 300).map(lambda minutes: minutes * MINUTE),
)
environments = st.sampled_from([None, "production"])


@st.composite
def tasks(draw: st.DrawFn) -> ScheduledTask:
    schedule = draw(schedules)
    options: dict[str, Any] = draw(policies)
    if isinstance(schedule, str):
        options |= {"timezone": "America/New_York"}
        options |= {"dst": draw(st.sampled_from(["auto", "skip", "repeat"]))}
    return ScheduledTask(print, schedule, "report", **options)


def ticks_of(decision: Decision, task: ScheduledTask) -> Iterator[tuple[datetime, str]]:
    """Each tick with its outcome."""
    for run in decision.runs:
        yield run.tick, run.kind
    for one in decision.lost:
        inside = [one.first]
        for tick in ticks_after(task, one.first):
            if tick > one.last:
                break
            inside.append(tick)
        assert (inside[-1], len(inside)) == (one.last, one.count)
        yield from ((tick, one.outcome) for tick in inside)


@given(tasks(), starts, st.lists(pauses, min_size=1, max_size=12))
@settings(deadline=None, max_examples=120)
def test_however_downtime_is_cut_each_tick_is_decided_once(
    task: ScheduledTask, start: datetime, steps: list[timedelta]
) -> None:
    # Given an entry
    now, due = start, first_due(task, start)
    decided: list[datetime] = []
    # When it is looked at from time to time
    for step in steps:
        now += step
        if due is None or due > now:
            continue
        decision = decide(task, due, now)
        decided += sorted(tick for tick, _ in ticks_of(decision, task))
        due = decision.next
        assert due is None or due > now
    # Then each tick was in one decision
    assert decided == list(ticks_to_fire(task, start + MICROSECOND, now))


@given(
    tasks(), starts, st.integers(0, 90), pauses, st.sampled_from([None, "production"])
)
@settings(deadline=None, max_examples=120)
def test_each_tick_has_the_outcome_that_the_rules_name(
    task: ScheduledTask,
    start: datetime,
    ticks: int,
    rest: timedelta,
    environment: str | None,
) -> None:
    # Given that nobody came for some ticks, and half of the time nobody was there
    due = first_due(task, start)
    assert due is not None
    last = next_tick(task, start)
    for _ in range(ticks):
        last = next_tick(task, last or start)
    assert last is not None
    now = fire_time(task, last) + rest % HOUR
    since = due + (now - due) / 2
    # When
    decision = decide(task, due, now, environment=environment, polled_since=since)
    # Then
    fired = list(ticks_to_fire(task, due, now))[-101:]
    decided = dict(ticks_of(decision, task))
    outcomes = by_the_rules(task, fired, now, environment, since)
    if len(fired) <= 100:
        assert decided == outcomes
    # And a stretch is as long as can be
    assert all(
        one.outcome != other.outcome
        or any(one.last < run.tick < other.first for run in decision.runs)
        for one, other in zip(decision.lost, decision.lost[1:], strict=False)
    )


def by_the_rules(
    task: ScheduledTask,
    ticks: list[datetime],
    now: datetime,
    environment: str | None,
    since: datetime,
) -> dict[datetime, str]:
    """The outcome of each tick, one by one from the newest."""
    options = task.options
    outcomes: dict[datetime, str] = {}
    left = {"latest": 1, "all": options.catchup_limit, "none": 0}[options.catchup]
    for tick in reversed(ticks):
        age = now - fire_time(task, tick)
        inside = age <= timedelta(seconds=options.catchup_window)
        if reason := skip_reason(task, tick, environment):
            outcomes[tick] = f"skipped:{reason}"
        elif tick == ticks[-1] and age <= timedelta(seconds=60):
            outcomes[tick] = "ran"
            left -= options.catchup == "latest"
        elif inside and left:
            outcomes[tick] = "caught_up"
            left -= 1
        elif not inside and options.catchup != "none":
            outcomes[tick] = "missed:catchup_window"
        elif options.catchup == "all":
            outcomes[tick] = "missed:catchup_limit"
        else:
            late = fire_time(task, tick) > since
            outcomes[tick] = "missed:no_worker" if late else "missed:down"
    return outcomes
