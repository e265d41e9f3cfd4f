from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from jtc.queue.ticks import (
    count_ticks,
    fire_time,
    first_due,
    last_to_fire,
    next_tick,
    ticks_after,
    ticks_before,
    ticks_from,
)
from jtc.schedule import InvalidTaskOption, ScheduledTask

MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

moments = st.integers(946_684_800_000_000, 2_840_140_800_000_000).map(
    lambda count: datetime(1970, 1, 1, tzinfo=UTC) + count * MICROSECOND
)
crons = st.builds(
    ScheduledTask,
    st.just(print),
    st.sampled_from(
        [
            "* * * * *",
            "*/5 * * * *",
            "30 2 * * *",
            "*/7 1-3 * * SUN",
            "0 0 1 * *",
            "0 9-17 * * MON-FRI",
            "*/20 * * * * *",
        ]
    ),
    timezone=st.sampled_from(
        ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
    ),
    dst=st.sampled_from(["auto", "skip", "repeat"]),
    jitter=st.sampled_from([0, 0, 0.5, 20, 90, 7200]),
)


@st.composite
def intervals(draw: st.DrawFn) -> ScheduledTask:
    seconds = draw(st.one_of(st.integers(1, 90), st.integers(90, 7 * 86_400)))
    phase = draw(st.integers(0, seconds - 1))
    jitter = draw(st.sampled_from([0, 0.25, 0.75])) * seconds
    return ScheduledTask(print, seconds, phase=phase, jitter=jitter)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[ScheduledTask, datetime]:
    """A task, which may begin and end, and a moment somewhere there."""
    task = draw(st.one_of(crons, intervals()))
    around = draw(moments)
    hours = st.one_of(st.none(), st.integers(0, 200).map(lambda n: timedelta(hours=n)))
    before, after = draw(hours), draw(hours)
    starts_at = None if before is None else around - before
    ends_at = None if after is None else around + after
    options = task.options.derive({"starts_at": starts_at, "ends_at": ends_at})
    try:
        return ScheduledTask(print, task.schedule, options=options), around
    except InvalidTaskOption:
        # It would have no tick.
        reject()


def all_of(task: ScheduledTask, after: datetime, count: int = 40) -> list[datetime]:
    return list(islice(ticks_after(task, after), count))


def ticks_to_fire(
    task: ScheduledTask, after: datetime, until: datetime
) -> list[datetime]:
    ticks = ticks_from(task, after + MICROSECOND)
    return list(takewhile(lambda tick: fire_time(task, tick) <= until, ticks))


@given(intervals(), moments)
@settings(deadline=None, max_examples=50)
def test_interval_ticks_lie_on_the_grid_from_the_epoch(
    task: ScheduledTask, after: datetime
) -> None:
    # Given
    assert isinstance(task.schedule, int)
    interval = timedelta(seconds=task.schedule)
    # When
    first, second = all_of(task, after, 2)
    # Then
    assert after < first <= after + interval
    assert second - first == interval
    assert first.timestamp() % task.schedule == task.options.phase


@given(tasks())
@settings(deadline=None, max_examples=50)
def test_the_next_tick_is_later_in_utc_and_inside_the_life_of_the_task(
    case: tuple[ScheduledTask, datetime],
) -> None:
    task, after = case
    starts_at, ends_at = task.options.starts_at, task.options.ends_at
    for tick in all_of(task, after, 5):
        assert tick > after
        assert tick.tzinfo is UTC
        assert starts_at is None or tick >= starts_at
        assert ends_at is None or tick <= ends_at


@given(tasks(), st.sampled_from([1, 2, 3, 7, 11, 1000]))
@settings(deadline=None, max_examples=50)
def test_ticks_are_the_same_however_often_one_starts_anew(
    case: tuple[ScheduledTask, datetime], cut: int
) -> None:
    # Given
    task, after = case
    whole = all_of(task, after)
    # When the walk begins again after every `cut` ticks
    pieces: list[datetime] = []
    position: datetime | None = after
    while position and len(pieces) < len(whole):
        pieces += all_of(task, position, min(cut, 40))
        position = pieces[-1] if pieces else None
    # Then
    assert pieces[: len(whole)] == whole


@given(tasks())
@settings(deadline=None, max_examples=50)
def test_backwards_and_counted_the_ticks_are_the_same(
    case: tuple[ScheduledTask, datetime],
) -> None:
    # Given
    task, after = case
    whole = all_of(task, after)
    if not whole:
        assert next_tick(task, after) is None
        return
    # Then
    backwards = ticks_before(task, whole[-1] + MICROSECOND)
    found = list(takewhile(lambda tick: tick > after, backwards))
    assert found == whole[::-1]
    assert count_ticks(task, after + MICROSECOND, whole[-1]) == len(whole)
    assert count_ticks(task, whole[0], whole[-1]) == len(whole)


@given(tasks())
@settings(deadline=None, max_examples=50)
def test_jitter_never_reorders_nor_doubles_ticks(
    case: tuple[ScheduledTask, datetime],
) -> None:
    # Given ticks, and the one after them whether or not the task still has it
    task, after = case
    ticks = all_of(task, after)
    # Then each fires before the next, and no later than the jitter allows
    fires = [fire_time(task, tick) for tick in ticks]
    for tick, fired in zip(ticks, fires, strict=True):
        late = fired - tick
        assert timedelta(0) <= late
        assert late < timedelta(seconds=task.options.jitter) or late == timedelta(0)
        assert late % MILLISECOND == timedelta(0)
    for (_, fired), (following, _) in pairwise(zip(ticks, fires, strict=True)):
        assert fired < following


@given(tasks(), st.lists(st.floats(0, 1), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_stretches_of_time_share_out_the_ticks_by_the_time_they_fire(
    case: tuple[ScheduledTask, datetime], parts: list[float]
) -> None:
    # Given a stretch of time
    task, start = case
    ticks = all_of(task, start, 20)
    if not ticks:
        return
    end = ticks[-1]
    # When it is cut at any moments
    cuts = sorted({start, *(start + (end - start) * part for part in parts), end})
    found = [
        tick
        for first, last in pairwise(cuts)
        for tick in ticks_to_fire(task, first, last)
    ]
    # Then each tick that fires inside is in one piece
    assert found == ticks_to_fire(task, start, end)
    assert set(ticks) - set(found) == {t for t in ticks if fire_time(task, t) > end}


@given(tasks(), st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_what_fires_first_and_last_is_found_from_any_moment(
    case: tuple[ScheduledTask, datetime], part: float
) -> None:
    # Given two ticks that follow each other, and a moment between their firing
    task, start = case
    last, following, *_ = [*all_of(task, start, 2), None, None]
    if last is None or following is None:
        return
    first, second = fire_time(task, last), fire_time(task, following)
    moment = min(first + (second - first) * part, second - MICROSECOND)
    # Then
    assert last_to_fire(task, moment) == last
    assert first_due(task, moment) == second
    assert next(ticks_from(task, second)) == following
    assert next(ticks_from(task, first)) == last


def test_jitter_is_the_same_for_every_worker_and_another_for_each_tick() -> None:
    # Given two workers that know a task, and a task of another name
    one, two = (ScheduledTask(print, 3600, "a", jitter=600) for _ in range(2))
    other = ScheduledTask(print, 3600, "b", jitter=600)
    ticks = all_of(one, NOON, 24)
    # Then
    late = [fire_time(one, tick) - tick for tick in ticks]
    assert late == [fire_time(two, tick) - tick for tick in ticks]
    assert late != [fire_time(other, tick) - tick for tick in ticks]
    assert len(set(late)) > 20
    assert max(late) > timedelta(seconds=300) > min(late)


def test_jitter_makes_no_difference_to_the_nominal_times() -> None:
    plain = ScheduledTask(print, "*/5 * * * *")
    spread = ScheduledTask(print, "*/5 * * * *", jitter=200)
    assert all_of(plain, NOON) == all_of(spread, NOON)


def test_a_task_has_ticks_at_its_beginning_and_at_its_end() -> None:
    task = ScheduledTask(print, 3600, starts_at=NOON, ends_at=NOON + timedelta(hours=2))
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    ticks = [NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)]
    assert list(ticks_after(task, long_ago)) == ticks
    assert list(ticks_before(task, datetime(2100, 1, 1, tzinfo=UTC))) == ticks[::-1]
    assert count_ticks(task, long_ago, datetime(2100, 1, 1, tzinfo=UTC)) == 3
    assert next_tick(task, ticks[-1]) is None
    assert first_due(task, ticks[-1]) is None


def test_the_last_tick_of_a_task_has_its_jitter_although_it_is_over() -> None:
    # Given a task that ends with its tick at noon
    task = ScheduledTask(print, 3600, "a", jitter=3000, ends_at=NOON)
    forever = ScheduledTask(print, 3600, "a", jitter=3000)
    # Then it fires then as it would otherwise
    assert fire_time(task, NOON) == fire_time(forever, NOON) > NOON
    assert first_due(task, NOON) == fire_time(task, NOON)


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
    task = ScheduledTask(print, expression, timezone="America/New_York")
    found = all_of(task, datetime.fromisoformat(after), len(ticks))
    zone = ZoneInfo("America/New_York")
    assert [f"{tick.astimezone(zone):%d %H:%M %Z}" for tick in found] == ticks


def test_a_run_time_zone_decides_for_an_expression_that_names_none() -> None:
    # Given a task as the provider hands it on
    task = ScheduledTask(print, "0 9 * * *").in_timezone("Asia/Tokyo")
    # Then
    assert next_tick(task, NOON) == datetime(2026, 11, 23, tzinfo=UTC)
