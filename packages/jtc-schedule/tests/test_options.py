from __future__ import annotations

import dataclasses
import pickle
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import (
    InvalidTaskOption,
    InvalidTimezone,
    OptionKeywords,
    Ping,
    TaskOptions,
    UnknownTaskOption,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHRISTMAS = date(2026, 12, 25)
NEW_YEAR = date(2027, 1, 1)


class Growing:
    def delay(self, failures: int, *, chance: float) -> float:
        return failures * chance


GROWING = Growing()


def always() -> bool:
    return True


async def is_open(nominal: datetime) -> bool:
    return True


def on_a_holiday(moment: datetime) -> bool:
    return False


def hook(ctx: Any) -> None: ...


class Unreadable:
    __signature__ = "none"

    def __call__(self, *args: Any) -> bool:
        return True


UNREADABLE = Unreadable()


async def failure_hook(ctx: Any, error: BaseException) -> None: ...


ACCEPTED = [
    ("timezone", ZoneInfo("Europe/Lisbon"), "Europe/Lisbon"),
    ("timezone", None, None),
    ("dst", "repeat", "repeat"),
    ("jitter", 2.5, 2.5),
    ("jitter", timedelta(minutes=1), 60),
    ("jitter", timedelta(milliseconds=1500), 1.5),
    ("phase", timedelta(minutes=1), 60),
    ("phase", 15, 15),
    ("phase", 15.0, 15),
    ("starts_at", NOON, NOON),
    ("starts_at", None, None),
    ("ends_at", NOON, NOON),
    ("max_runs", 1, 1),
    ("exclude", CHRISTMAS, ((CHRISTMAS, CHRISTMAS),)),
    ("exclude", "2026-12-25", ((CHRISTMAS, CHRISTMAS),)),
    ("exclude", (CHRISTMAS, NEW_YEAR), ((CHRISTMAS, NEW_YEAR),)),
    ("exclude", ("2026-12-25", "2027-01-01"), ((CHRISTMAS, NEW_YEAR),)),
    (
        "exclude",
        [CHRISTMAS, NEW_YEAR],
        ((CHRISTMAS, CHRISTMAS), (NEW_YEAR, NEW_YEAR)),
    ),
    ("exclude", on_a_holiday, (on_a_holiday,)),
    (
        "exclude",
        [on_a_holiday, (CHRISTMAS, NEW_YEAR)],
        (on_a_holiday, (CHRISTMAS, NEW_YEAR)),
    ),
    ("exclude", {CHRISTMAS}, ((CHRISTMAS, CHRISTMAS),)),
    ("exclude", [], ()),
    ("when", always, always),
    ("when", is_open, is_open),
    ("when", UNREADABLE, UNREADABLE),
    ("skip", is_open, is_open),
    ("between", ("09:00", "17:30"), (time(9), time(17, 30))),
    ("between", ["9:00", time(17, 0, 30)], (time(9), time(17, 0, 30))),
    ("between", ("22:00", "06:00:01"), (time(22), time(6, 0, 1))),
    ("days", "mon", {1}),
    ("days", " Sunday ", {0}),
    ("days", 7, {0}),
    ("days", 3, {3}),
    ("days", "weekdays", {1, 2, 3, 4, 5}),
    ("days", ["weekends", "FRI"], {0, 5, 6}),
    ("days", {0, 7}, {0}),
    ("environments", "production", {"production"}),
    ("environments", ["staging", "production"], {"staging", "production"}),
    ("enabled", False, False),
    ("overlap", "buffer_one", "buffer_one"),
    ("catchup", "all", "all"),
    ("catchup_window", timedelta(hours=6), 21600),
    ("catchup_limit", 5, 5),
    ("run_on_start", True, True),
    ("timeout", timedelta(hours=1), 3600),
    ("timeout", 0.5, 0.5),
    ("tries", 3, 3),
    ("backoff", 0, 0),
    ("backoff", timedelta(minutes=1), 60),
    ("backoff", [1, 5.5, timedelta(seconds=30)], (1, 5.5, 30)),
    ("backoff", GROWING, GROWING),
    ("queue", "mail.eu-1", "mail.eu-1"),
    ("queue", "{mail}", "{mail}"),
    (
        "payload",
        {"a": [1, None, {"b": "größe"}]},
        {"a": [1, None, {"b": "größe"}]},
    ),
    ("payload", {}, {}),
    ("on_success", hook, hook),
    ("on_failure", failure_hook, failure_hook),
    ("on_skipped", hook, hook),
    ("on_missed", print, print),
    ("ping", Ping(start="http://beat/1"), Ping(start="http://beat/1")),
    (
        "ping",
        "https://hc-ping.com/5af",
        Ping(
            start="https://hc-ping.com/5af/start",
            success="https://hc-ping.com/5af",
            failure="https://hc-ping.com/5af/fail",
        ),
    ),
    ("expect_within", timedelta(days=2), 172800),
]


@pytest.mark.parametrize(("option", "written", "value"), ACCEPTED)
def test_an_option_is_brought_into_one_form(
    option: str, written: Any, value: Any
) -> None:
    options = TaskOptions().derive({option: written})

    assert getattr(options, option) == value
    assert type(getattr(options, option)) is not list


@pytest.mark.parametrize(("option", "written", "value"), ACCEPTED)
def test_the_one_form_is_accepted_again(option: str, written: Any, value: Any) -> None:
    options = TaskOptions().derive({option: written})

    assert options.derive({option: getattr(options, option)}) == options
    assert dataclasses.replace(options) == options


def test_the_keywords_are_the_options() -> None:
    fields = [field.name for field in dataclasses.fields(TaskOptions)]

    assert [*OptionKeywords.__annotations__] == fields


def generator(nominal: Any) -> Iterator[bool]:
    yield True


async def async_generator(nominal: Any) -> AsyncIterator[bool]:
    yield True


@pytest.mark.parametrize(
    ("option", "written", "words"),
    [
        ("dst", "summer", "give 'auto', 'skip' or 'repeat'"),
        ("dst", None, "give 'auto', 'skip' or 'repeat'"),
        ("overlap", "alow", "did you mean 'allow'; give"),
        ("overlap", True, "give 'skip', 'allow' or 'buffer_one'"),
        ("catchup", "lastest", "did you mean 'latest'"),
        ("jitter", -1, "from 0 up to a year"),
        ("jitter", "5", "give seconds or a timedelta"),
        ("jitter", True, "give seconds or a timedelta"),
        ("jitter", float("nan"), "give seconds or a timedelta"),
        ("jitter", float("inf"), "give seconds or a timedelta"),
        ("phase", -1, "from 0"),
        ("phase", 0.5, "give whole seconds"),
        ("phase", timedelta(milliseconds=1), "give whole seconds"),
        ("starts_at", NOON.replace(tzinfo=None), "it has no time zone"),
        ("starts_at", date(2026, 3, 1), "give an aware datetime"),
        ("ends_at", "2026-03-01T00:00:00Z", "give an aware datetime"),
        ("max_runs", 0, "give a whole number from 1"),
        ("max_runs", 1.0, "give a whole number from 1"),
        ("max_runs", True, "give a whole number from 1"),
        ("exclude", NOON, "give a date"),
        ("exclude", "Christmas", "give a date"),
        ("exclude", None, "give a date"),
        ("exclude", [None], "give a date"),
        ("exclude", (NEW_YEAR, CHRISTMAS), "the last day is before the first"),
        ("exclude", (CHRISTMAS,), "a tuple is the first and the last"),
        ("exclude", (CHRISTMAS, CHRISTMAS, NEW_YEAR), "else give a list"),
        ("exclude", [(CHRISTMAS, 5)], "give a date"),
        ("exclude", lambda: True, "it is not callable with the time"),
        ("exclude", is_open, "it is async"),
        ("when", True, "give a function"),
        ("when", lambda a, b: True, "it is not callable with the nominal time"),
        ("when", generator, "it yields"),
        ("skip", async_generator, "it yields"),
        ("between", "09:00-17:00", "give the first and the last time"),
        ("between", (), "give the first and the last time"),
        ("between", ("09:00",), "give the first and the last time"),
        ("between", ("09:00", "09:00"), "nothing is between two equal times"),
        ("between", ("09:00", "24:00"), "give a time of the day"),
        ("between", ("9 am", "5 pm"), "give a time of the day"),
        ("between", (9, 17), "give a time of the day"),
        ("between", (time(9, tzinfo=UTC), time(17)), "leave out its zone"),
        ("between", (time(9, 0, 0, 1), time(17)), "leave out the parts of a second"),
        ("days", [], "there would never be a run"),
        ("days", "mno", "did you mean 'mon'"),
        ("days", "weekday", "did you mean 'weekdays'"),
        ("days", "xyz", "give 'mon' to 'sun'"),
        ("days", 8, "0 (Sunday) to 7 (Sunday)"),
        ("days", -1, "0 (Sunday) to 7 (Sunday)"),
        ("days", [True], "give 'mon' to 'sun'"),
        ("days", [1.0], "give 'mon' to 'sun'"),
        ("environments", [], "give the name of an environment"),
        ("environments", "", "give the name of an environment"),
        ("environments", [" x"], "give the name of an environment"),
        ("environments", 5, "give the name of an environment"),
        ("environments", [5], "give the name of an environment"),
        ("enabled", 1, "give True or False"),
        ("run_on_start", "yes", "give True or False"),
        ("catchup_window", 0, "above 0"),
        ("catchup_window", timedelta(days=400), "up to a year"),
        ("catchup_limit", 0, "give a whole number from 1"),
        ("timeout", 0, "above 0"),
        ("timeout", None, "above 0"),
        ("tries", 0, "give a whole number from 1"),
        ("backoff", -1, "from 0"),
        ("backoff", [], "give at least one wait"),
        ("backoff", [1, -1], "from 0"),
        ("backoff", "5", "from 0"),
        ("queue", "", "letters, digits"),
        ("queue", "a:b", "letters, digits"),
        ("queue", 5, "letters, digits"),
        ("payload", [1], "give a dict of keyword arguments"),
        ("payload", {1: 2}, "JSON would not give 1 back as it is"),
        ("payload", {"a": (1,)}, "JSON would not give 'a' back as it is"),
        ("payload", {"a": {1, 2}}, "it has no form in JSON"),
        ("payload", {"a": float("nan")}, "it has no form in JSON"),
        ("payload", {"a": "\ud800"}, "it has no form in JSON"),
        ("on_success", "mail", "give a function of the context"),
        ("on_success", lambda: None, "it is not callable with the context"),
        ("on_failure", hook, "it is not callable with the context and the error"),
        ("on_skipped", always, "it is not callable with the record"),
        ("on_missed", 5, "give a function of the record"),
        ("ping", 5, "give a URL, or a Ping of several"),
        ("ping", "hc-ping.com/5af", "give a URL such as"),
        ("expect_within", 0, "above 0 and up to a year"),
    ],
)
def test_a_value_that_can_never_work_is_refused(
    option: str, written: Any, words: str
) -> None:
    with pytest.raises(InvalidTaskOption) as caught:
        TaskOptions().derive({option: written})

    assert str(caught.value).startswith(f"Option {option}=")
    assert words in str(caught.value)
    assert caught.value.option == option


def test_an_unknown_zone_is_an_error_of_its_own() -> None:
    with pytest.raises(InvalidTimezone, match="near to it are Europe/Lisbon"):
        TaskOptions().derive({"timezone": "Europe/Lisbonn"})


def test_options_that_are_built_by_hand_are_checked_too() -> None:
    with pytest.raises(InvalidTaskOption, match="tries=0"):
        TaskOptions(tries=0)
    with pytest.raises(InvalidTaskOption, match="tries=0"):
        dataclasses.replace(TaskOptions(tries=2), tries=0)


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("overlpa", "Did you mean 'overlap'?"),
        ("timezon", "Did you mean 'timezone' or 'timeout'?"),
        ("xyz", "Known options: timezone, dst, jitter,"),
    ],
)
def test_an_unknown_option_is_refused_with_what_is_near(option: str, hint: str) -> None:
    with pytest.raises(UnknownTaskOption) as caught:
        TaskOptions().derive({option: 1})

    assert f"Option {option!r} is unknown." in str(caught.value)
    assert hint in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_the_end_may_not_be_before_the_start() -> None:
    with pytest.raises(InvalidTaskOption, match="it is before starts_at=2026-03-01T12"):
        TaskOptions(starts_at=NOON, ends_at=NOON - timedelta(seconds=1))

    assert TaskOptions(starts_at=NOON, ends_at=NOON).ends_at == NOON


def test_moments_are_compared_across_zones() -> None:
    later = NOON.replace(hour=11, tzinfo=ZoneInfo("America/New_York"))

    assert TaskOptions(starts_at=NOON, ends_at=later).ends_at == later


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(InvalidTaskOption) as caught:
        TaskOptions().derive({"queue": "x" * 500})

    assert len(str(caught.value)) < 200
    assert "xxx...: give" in str(caught.value)


def test_a_payload_is_not_that_of_the_caller() -> None:
    given = {"regions": ["eu"]}
    options = TaskOptions(payload=given)

    given["regions"].append("us")

    assert options.payload == {"regions": ["eu"]}


def test_only_what_was_said_is_shown() -> None:
    assert repr(TaskOptions()) == "TaskOptions()"
    assert repr(TaskOptions(tries=3, queue="mail")) == (
        "TaskOptions(tries=3, queue='mail')"
    )


def test_options_are_a_value() -> None:
    one = TaskOptions(payload={"a": 1}, tries=2, between=(time(9), time(17)))

    assert one == TaskOptions(payload={"a": 1}, tries=2, between=(time(9), time(17)))
    assert hash(one) == hash(dataclasses.replace(one))
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.tries = 3  # type: ignore[misc]


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_by_name_and_by_number_are_the_same(numbers: frozenset[int]) -> None:
    names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    by_name = TaskOptions().derive({"days": [names[number] for number in numbers]})

    assert by_name == TaskOptions(days=numbers)


@given(st.times(), st.times())
def test_a_time_and_its_text_are_the_same(first: time, last: time) -> None:
    first, last = (moment.replace(microsecond=0) for moment in (first, last))
    if first == last:
        last = last.replace(second=(last.second + 1) % 60)
    texts = (first.isoformat(), last.isoformat())

    options = TaskOptions().derive({"between": texts})

    assert options == TaskOptions(between=(first, last))
