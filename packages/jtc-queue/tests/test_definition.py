from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from jtc.queue import (
    Exponential,
    InvalidSchedule,
    NotRunnableHere,
    UnreadableDefinition,
)
from jtc.queue.codec import decode, encode
from jtc.queue.definition import IN_CODE, decode_definition, encode_definition
from jtc.queue.target import Target
from jtc.schedule import InvalidTaskOption, ScheduledTask, TaskOptions

JOB = Target("job", "shop.jobs.SendInvoice")
seconds = st.integers(0, 10_000) | st.floats(0, 10_000)
some_seconds = st.integers(1, 10_000) | st.floats(0.001, 10_000)
clock_times = st.times(timezones=st.none()).map(lambda t: t.replace(microsecond=0))
zones = st.sampled_from([UTC, ZoneInfo("Europe/Lisbon"), ZoneInfo("Asia/Tokyo")])
moments = st.builds(
    lambda second, zone: datetime.fromtimestamp(second, tz=zone),
    st.integers(10**9, 2 * 10**9),
    zones,
)
texts = st.text("abcäé-", min_size=1)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("aé\"'\\\n"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)
backoffs = (
    seconds
    | st.lists(seconds, min_size=1, max_size=3).map(tuple)
    | st.builds(
        Exponential, some_seconds, factor=st.integers(1, 4), jitter=st.booleans()
    )
)
DATA: Mapping[str, st.SearchStrategy[Any]] = {
    "timezone": st.sampled_from(["UTC", "Europe/Lisbon", "America/New_York"]),
    "dst": st.sampled_from(["auto", "skip", "repeat"]),
    "jitter": seconds,
    "phase": st.integers(0, 59),
    "starts_at": moments,
    "ends_at": moments,
    "max_runs": st.integers(1, 100),
    "exclude": st.lists(
        st.dates() | st.tuples(st.dates(), st.dates()).map(lambda d: (min(d), max(d))),
        max_size=3,
    ),
    "between": st.tuples(clock_times, clock_times).filter(lambda t: t[0] != t[1]),
    "days": st.sets(st.integers(0, 6), min_size=1),
    "environments": st.sets(texts, min_size=1, max_size=3),
    "enabled": st.booleans(),
    "overlap": st.sampled_from(["skip", "allow", "buffer_one"]),
    "catchup": st.sampled_from(["latest", "all", "none"]),
    "catchup_window": some_seconds,
    "catchup_limit": st.integers(1, 1000),
    "run_on_start": st.booleans(),
    "timeout": some_seconds,
    "tries": st.integers(1, 50),
    "backoff": backoffs,
    "queue": st.sampled_from(["default", "mail"]),
    "payload": st.dictionaries(texts, json_values, max_size=3),
    # Longer than any schedule below.
    "expect_within": st.integers(10**6 + 1, 366 * 86400),
}
CODE = ("when", "skip", "on_success", "on_failure", "on_skipped", "on_missed")
SECRET = "https://hc-ping.com/5af"


def of_a_kind(options: Mapping[str, Any]) -> TaskOptions | None:
    """Make options of what was drawn; the window must not be empty."""
    first, last = options.get("starts_at"), options.get("ends_at")
    if first is not None and last is not None and first > last:
        options = {**options, "starts_at": last, "ends_at": first}
    return TaskOptions(**options)


all_options = st.fixed_dictionaries({}, optional=dict(DATA)).map(of_a_kind)
# Longer than any jitter and phase above.
schedules = st.sampled_from(["*/5 * * * *", "0 9 * * mon-fri", "@daily"]) | st.integers(
    10_001, 10**6
)


def run(ctx: object, **payload: object) -> None:
    """Do nothing."""


def test_every_option_is_either_data_or_code() -> None:
    names = {field.name for field in dataclasses.fields(TaskOptions)}
    assert names == {*DATA, *CODE, "ping"}


def in_utc(options: TaskOptions) -> TaskOptions:
    """The same options; hours that a clock shows twice equal those of no other zone."""
    ends = [options.starts_at, options.ends_at]
    starts_at, ends_at = (end and end.astimezone(UTC) for end in ends)
    return dataclasses.replace(options, starts_at=starts_at, ends_at=ends_at)


@given(all_options, schedules, st.text("Ab é", max_size=20), st.booleans())
def test_all_that_is_data_comes_back(
    options: TaskOptions, schedule: str | int, description: str, in_code: bool
) -> None:
    try:
        task = ScheduledTask(run, schedule, "a:b*c", description, options=options)
    except InvalidTaskOption:
        # It would have no tick.
        reject()
    target = None if in_code else JOB
    found = decode_definition("a:b*c", encode_definition(task, target))
    assert in_utc(found.task.options) == in_utc(options)
    assert found.task.schedule == task.schedule
    assert found.task.description == description
    assert found.task.fingerprint == task.fingerprint
    assert (found.in_code, found.left_out) == (in_code, ())
    assert found.target == (Target("task", "a:b*c") if in_code else JOB)


class Weekly:
    def delay(self, failures: int, *, chance: float) -> float:
        return failures * chance


def a_date(_: datetime) -> bool:
    return True


PARTS: list[tuple[str, Any]] = [(name, lambda *_: True) for name in CODE]
PARTS += [("exclude", a_date), ("backoff", Weekly())]


@pytest.mark.parametrize(("option", "value"), PARTS)
def test_what_is_code_is_left_out_and_said_so(option: str, value: Any) -> None:
    task = ScheduledTask(print, 60, "report", tries=3, **{option: value})
    found = decode_definition("report", encode_definition(task))
    assert found.left_out == (option,)
    assert found.task.options == TaskOptions(tries=3)


def test_the_days_of_an_exclusion_stay_when_its_function_is_left_out() -> None:
    task = ScheduledTask(print, 60, "report", exclude=["2026-12-25", a_date])
    found = decode_definition("report", encode_definition(task))
    assert found.left_out == ("exclude",)
    assert found.task.options.exclude == ((date(2026, 12, 25), date(2026, 12, 25)),)


@pytest.mark.parametrize(("option", "value"), PARTS)
def test_code_is_refused_of_a_schedule_made_at_run_time(
    option: str, value: Any
) -> None:
    task = ScheduledTask(print, 60, "report", **{option: value})
    with pytest.raises(InvalidSchedule, match=f"'report': {option} is code"):
        encode_definition(task, JOB)


def test_the_urls_of_a_ping_are_not_stored() -> None:
    task = ScheduledTask(print, 60, "report", ping=SECRET)
    text = encode_definition(task)
    assert b"5af" not in text
    assert decode_definition("report", text).left_out == ("ping",)


def test_a_ping_is_refused_of_a_schedule_made_at_run_time() -> None:
    task = ScheduledTask(print, 60, "report", ping=SECRET)
    with pytest.raises(InvalidSchedule, match="ping holds URLs that are secrets") as no:
        encode_definition(task, JOB)
    assert "5af" not in str(no.value)


def test_the_entry_of_a_task_in_code_says_what_it_was_made_from() -> None:
    task = ScheduledTask(print, 60, "report")
    found = decode_definition("report", encode_definition(task))
    assert found.member == f"{task.fingerprint}:report"
    other = decode_definition("report", encode_definition(task, JOB))
    assert other.member == "*:report"


def test_scripts_can_tell_a_task_in_code_by_how_it_begins() -> None:
    task = ScheduledTask(print, 60, IN_CODE, IN_CODE)
    begin = IN_CODE.encode()
    assert encode_definition(task).startswith(begin)
    assert not encode_definition(task, JOB).startswith(begin)


def test_a_stored_task_says_that_its_function_is_elsewhere() -> None:
    task = ScheduledTask(print, 60, "report")
    found = decode_definition("report", encode_definition(task))
    with pytest.raises(NotRunnableHere, match="from the queue"):
        found.task.func({})


def test_times_are_stored_as_people_read_them() -> None:
    task = ScheduledTask(
        print,
        60,
        "report",
        starts_at=datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo")),
        between=(time(9), time(17, 30)),
    )
    assert decode(encode_definition(task))["options"] == {
        "starts_at": "2026-03-01T00:00:00+00:00",
        "between": ["09:00:00", "17:30:00"],
    }


SOUND = {"in_code": True, "schedule": 60, "description": "", "options": {}}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        encode({**SOUND, "schedule": None}),
        encode({**SOUND, "schedule": "no cron"}),
        encode({**SOUND, "options": {"from_the_future": 1}}),
        encode({**SOUND, "options": {"timezone": "Mars/Base"}}),
        encode({**SOUND, "options": {"between": ["x"]}}),
        encode({**SOUND, "options": {"backoff": {"base": -1}}}),
        encode({**SOUND, "options": {"exclude": [["2026-12-25"]]}}),
        encode({**SOUND, "options": []}),
        encode({**SOUND, "target": ["task"]}),
        encode({"in_code": True}),
    ],
)
def test_what_is_no_definition_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(UnreadableDefinition, match="'report' cannot be read"):
        decode_definition("report", text)


def test_a_sound_definition_is_read() -> None:
    assert decode_definition("report", encode(SOUND)).task.schedule == 60
