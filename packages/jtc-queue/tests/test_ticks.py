from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jtc.queue.ticks import CATCHUP_WINDOW, decide, next_tick, ticks_after
from jtc.schedule import ScheduledTask

SECOND = timedelta(seconds=1)
moments = st.floats(min_value=946_684_800, max_value=2_840_140_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, tz=UTC)
)
intervals = st.integers(min_value=1, max_value=7 * 86_400)
expressions = st.sampled_from(
    [
        "* * * * *",
        "*/5 * * * *",
        "0 * * * *",
        "30 1 * * *",
        "30 2 * * *",
        "0 0 1 * *",
        "0 0 * * 0",
        "0 9-17 * * MON-FRI",
        "0 0 L * *",
        "0 12 * * MON#2",
        "*/30 * * * * *",
        "@hourly",
    ]
)
zones = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata"]
)


def task(schedule: str | int, timezone: str | None = None) -> ScheduledTask:
    return ScheduledTask(lambda ctx: None, schedule, "report", timezone=timezone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def local(moment: datetime, zone: str = "America/New_York") -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %Z")


@given(seconds=intervals, after=moments)
def test_interval_ticks_lie_on_the_grid_from_the_epoch(
    seconds: int, after: datetime
) -> None:
    tick = next_tick(task(seconds), after)
    assert tick > after
    assert tick - after <= timedelta(seconds=seconds)
    assert tick.timestamp() % seconds == 0


@given(expression=expressions, zone=zones, after=moments)
@settings(deadline=None)
def test_the_next_tick_is_later_and_in_utc(
    expression: str, zone: str, after: datetime
) -> None:
    tick = next_tick(task(expression, zone), after)
    assert tick > after
    assert tick.tzinfo is UTC


@given(
    expression=expressions,
    zone=zones,
    after=moments,
    part=st.floats(min_value=0, max_value=0.999),
)
@settings(deadline=None)
def test_every_moment_before_a_tick_has_the_same_next_tick(
    expression: str, zone: str, after: datetime, part: float
) -> None:
    tick = next_tick(task(expression, zone), after)
    between = after + (tick - after) * part
    assert next_tick(task(expression, zone), between) == tick


@given(expression=expressions, zone=zones, after=moments, cut=st.integers(1, 11))
@settings(deadline=None)
def test_ticks_are_the_same_however_often_one_starts_anew(
    expression: str, zone: str, after: datetime, cut: int
) -> None:
    # Given
    whole = list(islice(ticks_after(task(expression, zone), after), 24))
    # When the walk is begun again after every `cut` ticks
    pieces: list[datetime] = []
    position = after
    while len(pieces) < 24:
        pieces += islice(ticks_after(task(expression, zone), position), cut)
        position = pieces[-1]
    # Then
    assert pieces[:24] == whole


@pytest.mark.parametrize(
    ("expression", "after", "ticks"),
    [
        # 2026-03-08: 02:00 to 03:00 does not exist in New York.
        ("30 2 * * *", "2026-03-07T12:00-05:00", ["08 03:00 EDT", "09 02:30 EDT"]),
        # 2026-11-01: 01:00 to 02:00 comes twice.
        ("30 1 * * *", "2026-10-31T12:00-04:00", ["01 01:30 EDT", "02 01:30 EST"]),
        (
            "0 * * * *",
            "2026-11-01T00:30-04:00",
            ["01 01:00 EDT", "01 01:00 EST", "01 02:00 EST"],
        ),
    ],
)
@pytest.mark.fault("H22")
def test_changing_clocks_follow_debians_rule(
    expression: str, after: str, ticks: list[str]
) -> None:
    found = islice(
        ticks_after(task(expression, "America/New_York"), at(after)), len(ticks)
    )
    assert [local(tick) for tick in found] == ticks


def test_a_fixed_time_runs_in_the_first_pass_of_a_repeated_hour_only() -> None:
    # Given 01:10 in the second pass, later than the 01:30 of the first
    after = at("2026-11-01T01:10-05:00")
    # Then the next 01:30 is tomorrow's
    tick = next_tick(task("30 1 * * *", "America/New_York"), after)
    assert local(tick) == "02 01:30 EST"


def test_a_tick_on_time_runs() -> None:
    due = at("2026-11-22T10:00:00+00:00")
    decision = decide(task(60), due, due + timedelta(milliseconds=3))
    assert decision.ticks == (due,)
    assert decision.missed == ()
    assert decision.next == due + timedelta(seconds=60)


def test_of_ticks_that_are_late_together_the_newest_runs() -> None:
    due = at("2026-11-22T10:00:00+00:00")
    decision = decide(task(1), due, due + 3.5 * SECOND)
    assert decision.ticks == (due + 3 * SECOND,)
    assert [tick for tick, _ in decision.missed] == [due + n * SECOND for n in range(3)]


def test_of_missed_ticks_the_newest_runs_and_the_others_are_recorded() -> None:
    due = at("2026-11-22T10:00:00+00:00")
    decision = decide(task(600), due, due + timedelta(minutes=35))
    assert decision.ticks == (due + timedelta(minutes=30),)
    assert decision.missed == tuple(
        (due + timedelta(minutes=m), "missed:down") for m in (0, 10, 20)
    )
    assert decision.next == due + timedelta(minutes=40)


def test_after_an_absence_only_the_newest_tick_runs() -> None:
    due = at("2026-11-22T10:00:00+00:00")
    decision = decide(task(1), due, due + timedelta(minutes=2))
    assert decision.ticks == (due + timedelta(minutes=2),)
    assert len(decision.missed) == 120


@pytest.mark.fault("H6")
def test_a_tick_missed_longer_ago_than_the_window_does_not_run() -> None:
    due = at("2026-11-22T00:00:00+00:00")
    decision = decide(task("@daily"), due, due + timedelta(hours=9))
    assert decision.ticks == ()
    assert decision.missed == ((due, "missed:catchup_window"),)
    assert decision.next == due + timedelta(days=1)


def test_years_of_absence_cost_no_more_than_the_window() -> None:
    due = at("1990-01-01T00:00:00+00:00")
    decision = decide(task(1), due, at("2026-11-22T00:00:00+00:00"))
    assert len(decision.ticks) + len(decision.missed) <= 3600 + 2
    assert decision.missed[0] == (due, "missed:catchup_window")


@given(
    schedule=st.one_of(intervals, expressions),
    zone=zones,
    now=moments,
    behind=st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=3)),
)
@settings(deadline=None, max_examples=60)
def test_every_tick_of_the_window_is_decided_on_exactly_once(
    schedule: str | int, zone: str, now: datetime, behind: timedelta
) -> None:
    # Given an entry that is due
    one = task(schedule, None if isinstance(schedule, int) else zone)
    due = next_tick(one, now - behind - timedelta(days=1))
    if due > now:
        return
    # When
    decision = decide(one, due, now)
    # Then each tick of the window runs or is recorded, in order, and none twice
    missed = [tick for tick, _ in decision.missed if tick >= now - CATCHUP_WINDOW]
    decided = [*missed, *decision.ticks]
    horizon = max(due, now - CATCHUP_WINDOW) - timedelta(microseconds=1)
    expected = []
    for tick in ticks_after(one, horizon):
        if tick > now:
            break
        expected.append(tick)
    assert decided == expected
    assert decision.next > now
    assert len(decision.ticks) <= 1
