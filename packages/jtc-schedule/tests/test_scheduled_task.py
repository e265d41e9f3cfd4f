from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import (
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTaskOption,
    InvalidTimezone,
    ScheduledTask,
    TaskOptions,
    UnknownTaskOption,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")


def my_task(ctx: Any) -> None:
    """Send what is due.

    Not part of the description.
    """


def test_a_task_is_a_frozen_value() -> None:
    task = ScheduledTask(my_task, 60)

    assert task == ScheduledTask(my_task, timedelta(minutes=1))
    assert len({task, ScheduledTask(my_task, 60)}) == 1
    assert hash(ScheduledTask(print, 60, payload={"end": ""}))
    assert task != ScheduledTask(my_task, 61)
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.name = "other"  # type: ignore[misc]
    assert not hasattr(task, "__dict__")


def test_a_task_is_copied_with_changes() -> None:
    task = ScheduledTask(my_task, "0 0 * * *", "nightly", timezone="Europe/Lisbon")

    changed = dataclasses.replace(task, schedule="0 1 * * *")

    assert changed.schedule == "0 1 * * *"
    assert (changed.name, changed.options) == ("nightly", task.options)


def test_keywords_win_over_options() -> None:
    options = TaskOptions(tries=3, queue="mail")

    task = ScheduledTask(my_task, 60, options=options, tries=2)

    assert (task.options.tries, task.options.queue) == (2, "mail")


def test_an_unknown_keyword_is_refused() -> None:
    with pytest.raises(UnknownTaskOption, match="Did you mean 'timezone'"):
        ScheduledTask(my_task, "@daily", timezon="UTC")  # type: ignore[call-arg]


def test_the_payload_has_to_fit_the_function() -> None:
    def greet(ctx: Any, name: str, *, times: int = 1) -> None: ...

    assert ScheduledTask(greet, 60, payload={"name": "Ada", "times": 2})
    with pytest.raises(
        InvalidTask,
        match=r"payload of 'nam' does not fit .*greet\(.*: missing a required",
    ):
        ScheduledTask(greet, 60, payload={"nam": "Ada"})
    with pytest.raises(
        InvalidTask, match=r"payload of 'ctx' does not fit .*: multiple values"
    ):
        ScheduledTask(greet, 60, payload={"ctx": "Ada"})
    with pytest.raises(InvalidTask, match="not callable with one argument"):
        ScheduledTask(greet, 60)


def test_the_default_zone_is_filled_in_where_none_is_named() -> None:
    task = ScheduledTask(my_task, "@daily", tries=3)

    moved = task.in_timezone("Europe/Lisbon")

    assert moved.timezone == "Europe/Lisbon"
    assert moved == ScheduledTask(my_task, "@daily", tries=3, timezone="Europe/Lisbon")
    assert moved.in_timezone("Asia/Tokyo") is moved
    assert task.timezone is None


def test_an_interval_is_given_a_zone_only_for_its_conditions() -> None:
    plain = ScheduledTask(my_task, 60)
    by_day = ScheduledTask(my_task, 60, days="mon")

    assert plain.in_timezone("Asia/Tokyo") is plain
    assert by_day.in_timezone("Asia/Tokyo").timezone == "Asia/Tokyo"


@given(
    st.sampled_from(["UTC", "Europe/Lisbon", "Asia/Tokyo"]),
    st.sampled_from([None, "UTC", "America/New_York"]),
    st.sampled_from(["@daily", "*/5 * * * *", 60]),
)
def test_a_default_zone_changes_nothing_else(
    default: str, own: str | None, schedule: str | int
) -> None:
    options = TaskOptions(timezone=own, tries=2)
    task = ScheduledTask(my_task, schedule, options=options)

    moved = task.in_timezone(default)

    assert moved.timezone == (own or (default if task.is_cron() else None))
    assert dataclasses.replace(moved, options=task.options) == task
    assert moved.in_timezone("Asia/Kolkata") == moved


def test_an_unknown_default_zone_is_refused() -> None:
    with pytest.raises(InvalidTimezone):
        ScheduledTask(my_task, "@daily").in_timezone("Mars/Base")


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(InvalidCronExpression):
        dataclasses.replace(ScheduledTask(my_task, 60), schedule="0 61 * * *")


def test_a_task_survives_pickling() -> None:
    task = ScheduledTask(print, "@daily", "count", timezone="UTC", payload={"end": ""})

    assert pickle.loads(pickle.dumps(task)) == task


def test_an_expression_is_kept_as_given_but_stripped() -> None:
    assert ScheduledTask(my_task, "  0  0 * * sun ").schedule == "0  0 * * sun"
    assert ScheduledTask(my_task, "@Daily").schedule == "@Daily"


@pytest.mark.parametrize("schedule", ["", "60", "0 61 * * *", "0 0 30 2 *"])
def test_a_wrong_expression_is_refused(schedule: str) -> None:
    with pytest.raises(InvalidCronExpression):
        ScheduledTask(my_task, schedule)


@pytest.mark.parametrize("schedule", [0, -1, 1.5, None, True, timedelta()])
def test_a_wrong_interval_is_refused(schedule: Any) -> None:
    with pytest.raises(InvalidInterval):
        ScheduledTask(my_task, schedule)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a\tb",
        "a\0b",
        "\x7f",
        "a\u2028b",
        "\ud800",
        "x" * 201,
    ],
)
def test_a_name_that_cannot_be_printed_in_one_line_is_refused(name: str) -> None:
    with pytest.raises(InvalidTask, match="a name is 1 to 200 printable characters"):
        ScheduledTask(my_task, 60, name)


@pytest.mark.parametrize("name", ["x", "x" * 200, "daily report", "app:a.b/c", "größe"])
def test_a_printable_name_is_accepted(name: str) -> None:
    assert ScheduledTask(my_task, 60, name).name == name


def test_a_name_has_to_be_a_string() -> None:
    with pytest.raises(InvalidTask, match="named 5 cannot"):
        ScheduledTask(my_task, 60, 5)  # type: ignore[arg-type]


def test_a_description_has_to_be_a_string() -> None:
    with pytest.raises(InvalidTask, match="described as 5 cannot"):
        ScheduledTask(my_task, 60, None, 5)  # type: ignore[arg-type]


def test_an_empty_description_replaces_the_docstring() -> None:
    assert ScheduledTask(my_task, 60).description == "Send what is due."
    assert ScheduledTask(my_task, 60, description="").description == ""


def test_the_time_zone_is_kept_by_name() -> None:
    by_name = ScheduledTask(my_task, "@daily", timezone="Europe/Lisbon")
    by_object = ScheduledTask(my_task, "@daily", timezone=ZoneInfo("Europe/Lisbon"))

    assert by_name.timezone == by_object.timezone == "Europe/Lisbon"
    assert ScheduledTask(my_task, "@daily").timezone is None


@pytest.mark.parametrize(
    ("schedule", "timezone", "fingerprint"),
    [
        ("0 * * * *", None, "7bda41e76550"),
        ("0 0 * * *", None, "78fdb287f66f"),
        ("0 0 * * *", "Europe/Lisbon", "5a2813f9e80d"),
        (60, None, "ae6ea46ef12e"),
    ],
)
def test_a_fingerprint_never_changes_between_processes_and_versions(
    schedule: str | int, timezone: str | None, fingerprint: str
) -> None:
    task = ScheduledTask(my_task, schedule, timezone=timezone)

    assert task.fingerprint == fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0  0 * * sun", "0 0 * * SUN"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "@Daily"),
        (" @weekly", "0 0 * * 0"),
        (timedelta(minutes=1), 60),
    ],
)
def test_equal_schedules_have_equal_fingerprints(
    one: str | int | timedelta, other: str | int | timedelta
) -> None:
    first = ScheduledTask(my_task, one, "first", "One description")
    second = ScheduledTask(len, other, "second", "Another")

    assert first.fingerprint == second.fingerprint


def test_different_schedules_have_different_fingerprints() -> None:
    tasks = [
        ScheduledTask(my_task, "0 0 * * *"),
        ScheduledTask(my_task, "0 0 0 * * *"),
        ScheduledTask(my_task, "0 0 * * *", timezone="Europe/Lisbon"),
        ScheduledTask(my_task, "0 0 * * *", dst="skip"),
        ScheduledTask(my_task, "0 0 * * *", dst="repeat"),
        ScheduledTask(my_task, "0 0 * * *", jitter=5),
        ScheduledTask(my_task, "0 0 * * *", starts_at=NOON),
        ScheduledTask(my_task, "0 0 * * *", ends_at=NOON),
        ScheduledTask(my_task, 60),
        ScheduledTask(my_task, 61),
        ScheduledTask(my_task, 60, phase=5),
        ScheduledTask(my_task, 60, jitter=5),
    ]

    assert len({task.fingerprint for task in tasks}) == len(tasks)


@pytest.mark.parametrize(
    ("schedule", "one", "other"),
    [
        ("@daily", {"timezone": None}, {"timezone": "UTC"}),
        ("@daily", {"jitter": 5}, {"jitter": 5.0}),
        ("@daily", {"starts_at": NOON}, {"starts_at": NOON.astimezone(LISBON)}),
        (60, {"days": "mon"}, {"days": "mon", "timezone": "Europe/Lisbon"}),
        ("@daily", {}, {"timeout": 60, "tries": 3, "overlap": "allow", "queue": "a"}),
        ("@hourly", {}, {"days": "mon", "between": ("09:00", "17:00"), "max_runs": 5}),
        (60, {}, {"catchup": "all", "enabled": False, "on_missed": print}),
    ],
)
def test_options_that_change_no_tick_change_no_fingerprint(
    schedule: str | int, one: Any, other: Any
) -> None:
    first = ScheduledTask(my_task, schedule, **one)
    second = ScheduledTask(my_task, schedule, **other)

    assert first.fingerprint == second.fingerprint


def test_a_wrong_option_is_refused() -> None:
    with pytest.raises(InvalidTaskOption):
        ScheduledTask(my_task, 60, tries=0)


@given(st.integers(1, 3653 * 86400))
def test_every_interval_has_a_fingerprint_of_twelve_hex_digits(seconds: int) -> None:
    fingerprint = ScheduledTask(my_task, seconds).fingerprint

    assert len(fingerprint) == 12
    assert set(fingerprint) <= set("0123456789abcdef")
