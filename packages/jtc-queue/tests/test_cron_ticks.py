from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter  # type: ignore[import-untyped]  # ships none
from cronsim import CronSim
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from jtc.queue.clock_change import clock_changes
from jtc.queue.cron_ticks import CronTicks
from jtc.schedule.options import Dst

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

# Half an hour, a day, midnight, negative DST, two hours, and no change at all.
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/Scoresbysund",
    "Antarctica/Troll",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
zones = st.sampled_from(ZONES)
rules: st.SearchStrategy[Dst] = st.sampled_from(["auto", "skip", "repeat"])
years = st.integers(2009, 2037)


def numbers(first: int, last: int) -> st.SearchStrategy[str]:
    number = st.integers(first, last).map(str)
    return st.one_of(
        st.just("*"),
        st.sampled_from(
            ["*/2", "*/5", "*/15", "*/30"] if last > 30 else ["*/2", "*/3"]
        ),
        number,
        st.lists(number, min_size=2, max_size=3).map(",".join),
        st.integers(first, last - 1).map(lambda start: f"{start}-{last}"),
    )


# Most clocks change in the small hours: that is where the times should be.
hours = st.one_of(numbers(0, 3), numbers(0, 23))
weekdays = st.sampled_from(["*", "*", "*", "SUN", "FRI,SAT", "MON-FRI", "5L"])
days = st.sampled_from(["*", "*", "*", "*/2", "1-15", "L"])
minutely = st.builds("{} {} {} * {}".format, numbers(0, 59), hours, days, weekdays)
secondly = st.builds("{} {}".format, st.sampled_from(["0", "30", "15,45"]), minutely)


@st.composite
def stretches(draw: st.DrawFn, zone: str) -> tuple[datetime, datetime]:
    """A day or two, with a change of the clocks in them if the zone has any."""
    year = draw(years)
    if zone == "Pacific/Apia":
        year = draw(st.sampled_from([2010, 2011, 2012]))
    first = datetime(year, 1, 1, tzinfo=UTC)
    changes = clock_changes(zone, first, first.replace(year=year + 1))
    middle = draw(st.sampled_from(changes)).at if changes else first
    before = draw(st.integers(1, 20 * 60)) * MINUTE
    return middle - before, middle + draw(st.integers(0, 26 * 60)) * MINUTE


Case = tuple[str, str, Dst, datetime, datetime]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    expression, zone = draw(st.one_of(minutely, secondly)), draw(zones)
    return expression, zone, draw(rules), *draw(stretches(zone))


def up_to(until: datetime, ticks: Iterable[datetime]) -> list[datetime]:
    return list(islice(takewhile(lambda tick: tick <= until, ticks), 1500))


def by_definition(case: Case) -> list[datetime]:
    """What the rules say of each wall-clock time that the expression names."""
    expression, zone, rule, after, until = case
    minute, hour = expression.split()[:2]
    fixed = len(expression.split()) == 5 and "*" not in minute[0] + hour[0]
    late = rule == "repeat" or (rule == "auto" and fixed)
    twice = rule == "repeat" or (rule == "auto" and not fixed)
    margin = timedelta(hours=39)
    names = CronSim(expression, (after - margin).replace(tzinfo=None))
    found: set[datetime] = set()
    for wall in takewhile(lambda w: w < (until + margin).replace(tzinfo=None), names):
        found |= moments_of(wall, ZoneInfo(zone), late=late, twice=twice)
    return sorted(moment for moment in found if after < moment <= until)


def moments_of(
    wall: datetime, zone: ZoneInfo, *, late: bool, twice: bool
) -> set[datetime]:
    first, second = (
        wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)
    )
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return {first, second} if twice else {first}
    return {end_of_gap(second, wall, zone)} if late else set()


def end_of_gap(moment: datetime, wall: datetime, zone: ZoneInfo) -> datetime:
    """The first minute that begins after `moment` and at which clocks show more."""
    moment = moment.replace(second=0)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += MINUTE
    return moment


def case_of(expression: str, zone: str, rule: Dst, after: str, until: str) -> Case:
    first, last = (datetime.fromisoformat(f"{text}:00Z") for text in (after, until))
    return expression, zone, rule, first, last


NEW_YORK = "America/New_York"
# A gap, alone and with a tick at its end; a fold, from before it and from inside; the
# second time of a day after which nothing comes for a year.
GAP = case_of("30 2 * * *", NEW_YORK, "auto", "2026-03-07T00", "2026-03-10T00")
FULL_GAP = case_of("0 2,3 * * *", NEW_YORK, "repeat", "2026-03-07T00", "2026-03-10T00")
FOLD = case_of("*/9 1 * * *", NEW_YORK, "repeat", "2026-10-31T00", "2026-11-02T12")
FOLD_ONCE = case_of("*/9 1 * * *", NEW_YORK, "skip", "2026-10-31T00", "2026-11-02T12")
IN_FOLD = case_of("*/9 1,2 * * *", NEW_YORK, "skip", "2026-11-01T06", "2026-11-01T08")
YEARLY = case_of("30 1 1 11 *", NEW_YORK, "repeat", "2026-10-01T00", "2029-01-01T00")
SAMOA = "Pacific/Apia"
A_DAY = case_of("*/30 9 * * *", SAMOA, "repeat", "2011-12-29T09", "2012-01-01T09")


@given(cases())
@example(GAP)
@example(FULL_GAP)
@example(FOLD)
@example(FOLD_ONCE)
@example(IN_FOLD)
@example(YEARLY)
@example(A_DAY)
@settings(deadline=None, max_examples=60)
def test_the_ticks_are_those_that_the_rules_name(case: Case) -> None:
    # Given
    expression, zone, rule, after, until = case
    expected = by_definition(case)
    ticks = CronTicks(expression, zone, rule)
    # Then they are found forwards, backwards and by counting
    assert up_to(until, ticks.after(after)) == expected[:1500]
    backwards = takewhile(lambda tick: tick > after, ticks.before(until + MICROSECOND))
    assert list(islice(backwards, 1500)) == expected[::-1][:1500]
    assert ticks.count(after, until) == len(expected)


@given(cases(), st.lists(st.floats(0, 1), min_size=4, max_size=4))
@settings(deadline=None, max_examples=60)
def test_every_moment_between_two_ticks_has_the_same_next_and_last_tick(
    case: Case, parts: list[float]
) -> None:
    # Given two ticks that follow each other
    expression, zone, rule, after, _ = case
    ticks = CronTicks(expression, zone, rule)
    last, following = islice(ticks.after(after), 2)
    assert after < last < following
    # Then whoever looks in between sees the same two
    for part in [0, *parts]:
        moment = min(last + (following - last) * part, following - MICROSECOND)
        assert next(ticks.after(moment)) == following
        assert next(ticks.before(moment + MICROSECOND)) == last
        assert ticks.count(moment, following) == 1


@given(cases(), st.sampled_from([1, 2, 3, 7, 11, 1000]))
@settings(deadline=None, max_examples=60)
def test_ticks_are_the_same_however_often_one_starts_anew(case: Case, cut: int) -> None:
    # Given
    expression, zone, rule, after, _ = case
    ticks = CronTicks(expression, zone, rule)
    whole = list(islice(ticks.after(after), 60))
    # When the walk begins again after every `cut` ticks
    pieces: list[datetime] = []
    while len(pieces) < 60:
        pieces += islice(ticks.after(pieces[-1] if pieces else after), min(cut, 60))
    # Then
    assert pieces[:60] == whole


@given(minutely, zones, st.data())
@settings(deadline=None, max_examples=60)
def test_fixed_times_are_those_of_cronsim_in_every_zone(
    expression: str, zone: str, data: st.DataObject
) -> None:
    # Given
    ticks = CronTicks(expression, zone)
    assume(ticks.is_fixed)
    after, until = data.draw(stretches(zone))
    # Then
    expected = of_cronsim(expression, zone, after, until)
    assert up_to(until, ticks.after(after)) == expected


@given(
    st.one_of(minutely, secondly),
    # It yields midnight where that is skipped, and leaves out halves of hours.
    st.sampled_from(["America/New_York", "Europe/Paris", "Asia/Kolkata"]),
    st.data(),
)
@settings(deadline=None, max_examples=60)
def test_other_times_are_those_of_cronsim_where_clocks_move_by_an_hour_at_night(
    expression: str, zone: str, data: st.DataObject
) -> None:
    after, until = data.draw(stretches(zone))
    expected = of_cronsim(expression, zone, after, until)
    assert up_to(until, CronTicks(expression, zone).after(after)) == expected


def of_cronsim(
    expression: str, zone: str, after: datetime, until: datetime
) -> list[datetime]:
    """What cronsim yields, without the steps back that it takes in a fold."""
    found = (
        tick.astimezone(UTC)
        for tick in CronSim(expression, after.astimezone(ZoneInfo(zone)))
    )
    return up_to(until, (tick for tick in found if tick > after))


@given(
    # croniter takes 1-1 for a star, and knows no rule of Debian's for the star of */2.
    st.builds(
        "{} {} {} {} *".format,
        numbers(0, 59),
        numbers(0, 23),
        st.sampled_from(["*", "1", "15", "1-7", "31", "L"]),
        st.sampled_from(["*", "1", "JAN-MAR", "*/3"]),
    ),
    st.integers(946_684_800, 2_840_140_800).map(
        lambda seconds: datetime.fromtimestamp(seconds, tz=UTC)
    ),
)
@settings(deadline=None, max_examples=60)
def test_away_from_dst_the_ticks_are_those_of_croniter(
    expression: str, after: datetime
) -> None:
    expected = islice(croniter(expression, after).all_next(datetime), 20)
    assert list(islice(CronTicks(expression).after(after), 20)) == list(expected)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "rule", "expected"),
    [
        # Lord Howe, 2026-10-04: 02:00 to 02:30 does not exist.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", "auto", "04 02:30"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", "skip", "05 02:15"),
        # cronsim, which steps by hours, begins with 03:30.
        ("* 3 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", "auto", "04 03:00"),
        # Apia: 2011-12-30 does not exist.
        ("0 10 * * *", "Pacific/Apia", "2011-12-29T21:00Z", "auto", "31 00:00"),
        ("0 10 * * *", "Pacific/Apia", "2011-12-29T21:00Z", "skip", "31 10:00"),
        ("*/5 10 * * *", "Pacific/Apia", "2011-12-29T21:00Z", "auto", "31 10:00"),
        # Cairo, 2026-04-24: 00:00 to 01:00 does not exist. cronsim yields 01:00 for
        # a minute of that hour if it has to look for the day.
        ("30 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", "auto", "24 01:00"),
        ("* 0 * * FRI", "Africa/Cairo", "2026-04-23T12:00Z", "auto", "01 00:00"),
        # A second before the gap, and right after it.
        ("0 3 * * *", "America/New_York", "2026-03-08T06:59:59Z", "auto", "08 03:00"),
        ("0 3 * * *", "America/New_York", "2026-03-08T07:00Z", "auto", "09 03:00"),
        ("30 2 * * *", "America/New_York", "2026-03-08T07:00Z", "auto", "09 02:30"),
        # In the first hour of the fold, and in the second.
        ("30 1 * * *", "America/New_York", "2026-11-01T05:29Z", "auto", "01 01:30"),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:30Z", "auto", "02 01:30"),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:30Z", "repeat", "01 01:30"),
        ("30 1 * * *", "America/New_York", "2026-11-01T06:10Z", "skip", "02 01:30"),
        ("*/30 1 * * *", "America/New_York", "2026-11-01T06:10Z", "auto", "01 01:30"),
        ("0 30 1 * * *", "America/New_York", "2026-11-01T06:10Z", "auto", "01 01:30"),
    ],
)
def test_ticks_where_clocks_change(
    expression: str, zone: str, after: str, rule: Dst, expected: str
) -> None:
    tick = next(CronTicks(expression, zone, rule).after(datetime.fromisoformat(after)))
    assert f"{tick.astimezone(ZoneInfo(zone)):%d %H:%M}" == expected


@pytest.mark.parametrize("fold", [0, 1])
def test_a_local_moment_of_a_repeated_hour_is_the_one_that_its_fold_says(
    fold: int,
) -> None:
    # Given 01:30 in New York, which comes at 05:30 and at 06:30
    zone = ZoneInfo("America/New_York")
    after = datetime(2026, 11, 1, 1, 30, fold=fold, tzinfo=zone)
    # Then the next minute is that of the first or the second hour
    tick = next(CronTicks("* * * * *", "America/New_York").after(after))
    assert f"{tick:%H:%M}" == ("05:31" if fold == 0 else "06:31")


def test_what_a_gap_holds_comes_once_right_after_it() -> None:
    # Given two times in the gap, and one when it ends
    zone = "America/New_York"
    ticks = CronTicks("0,45 2,3 * * *", zone, "repeat")
    # Then they come at 03:00, all at once
    found = islice(ticks.after(datetime(2026, 3, 8, 6, tzinfo=UTC)), 3)
    local = [f"{tick.astimezone(ZoneInfo(zone)):%d %H:%M}" for tick in found]
    assert local == ["08 03:00", "08 03:45", "09 02:00"]


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/London"])
def test_a_day_that_comes_once_in_decades_is_found_both_ways(zone: str | None) -> None:
    # Given a fifth Monday in February, of which 2100 has none
    ticks = CronTicks("0 0 * 2 MON#5", zone)
    start = datetime(2050, 1, 1, tzinfo=UTC)
    # Then
    found = list(islice(ticks.after(start), 3))
    assert [tick.year for tick in found] == [2072, 2112, 2140]
    backwards = ticks.before(found[-1] + HOUR)
    assert list(islice(backwards, 3)) == found[::-1]
    assert ticks.count(start, found[-1]) == 3


def test_ten_years_of_seconds_are_counted_without_a_walk() -> None:
    # Given every second of ten years, in which clocks went as often back as forth
    ticks = CronTicks("* * * * * *", "Europe/Paris")
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in (2016, 2026))
    # Then
    assert ticks.count(first, last) == (last - first).total_seconds()
