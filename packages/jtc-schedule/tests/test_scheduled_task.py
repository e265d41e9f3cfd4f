from __future__ import annotations

import dataclasses
import pickle
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import (
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTimezone,
    ScheduledTask,
)


def my_task(ctx: Any) -> None:
    """Send what is due.

    Not part of the description.
    """


def test_a_task_is_a_frozen_value() -> None:
    task = ScheduledTask(my_task, 60)

    assert task == ScheduledTask(my_task, timedelta(minutes=1))
    assert len({task, ScheduledTask(my_task, 60)}) == 1
    assert task != ScheduledTask(my_task, 61)
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.name = "other"  # type: ignore[misc]
    assert not hasattr(task, "__dict__")


def test_a_task_is_copied_with_changes() -> None:
    task = ScheduledTask(my_task, "0 0 * * *", "nightly", timezone="Europe/Lisbon")

    changed = dataclasses.replace(task, schedule="0 1 * * *")

    assert changed.schedule == "0 1 * * *"
    assert (changed.name, changed.timezone) == ("nightly", "Europe/Lisbon")


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(InvalidCronExpression):
        dataclasses.replace(ScheduledTask(my_task, 60), schedule="0 61 * * *")


def test_a_task_survives_pickling() -> None:
    task = ScheduledTask(len, "@daily", "count", timezone="UTC")

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


def test_an_interval_has_no_time_zone() -> None:
    with pytest.raises(InvalidTimezone, match="only a cron expression"):
        ScheduledTask(my_task, 60, timezone="UTC")


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
        ScheduledTask(my_task, "0 0 * * *", timezone="UTC"),
        ScheduledTask(my_task, "0 0 * * *", timezone="Europe/Lisbon"),
        ScheduledTask(my_task, 60),
        ScheduledTask(my_task, 61),
    ]

    assert len({task.fingerprint for task in tasks}) == len(tasks)


@given(st.integers(1, 3653 * 86400))
def test_every_interval_has_a_fingerprint_of_twelve_hex_digits(seconds: int) -> None:
    fingerprint = ScheduledTask(my_task, seconds).fingerprint

    assert len(fingerprint) == 12
    assert set(fingerprint) <= set("0123456789abcdef")
