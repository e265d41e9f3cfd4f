from __future__ import annotations

from typing import Any

import pytest

from jtc.schedule import InvalidTaskOption, InvalidTimezone, ScheduledTask


def task(ctx: Any) -> None: ...


@pytest.mark.parametrize(
    ("schedule", "options", "words"),
    [
        (60, {"dst": "skip"}, "dst='skip': only a cron expression follows the clocks"),
        ("@daily", {"phase": 5}, "phase=5: only an interval has a phase"),
        (60, {"phase": 60}, "phase=60: it has to be below the interval, 60 s"),
        (60, {"jitter": 60}, "jitter=60: it has to be below the interval, 60 s"),
        (1, {"jitter": 1.5}, "jitter=1.5: it has to be below the interval, 1 s"),
    ],
)
def test_an_option_that_does_nothing_or_the_impossible_is_refused(
    schedule: str | int, options: Any, words: str
) -> None:
    with pytest.raises(InvalidTaskOption, match=words):
        ScheduledTask(task, schedule, **options)


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        (60, {"dst": "auto", "timezone": None}),
        ("@daily", {"phase": 0, "dst": "skip", "timezone": "UTC", "jitter": 3600}),
        (60, {"phase": 59, "jitter": 59.9}),
    ],
)
def test_an_option_that_fits_is_accepted(schedule: str | int, options: Any) -> None:
    assert ScheduledTask(task, schedule, **options).schedule == schedule


def test_an_interval_has_no_time_zone() -> None:
    with pytest.raises(InvalidTimezone, match="only a cron expression"):
        ScheduledTask(task, 60, timezone="UTC")


@pytest.mark.parametrize(
    "condition",
    [
        {"between": ("09:00", "17:00")},
        {"days": "weekdays"},
        {"exclude": "2026-12-25"},
    ],
)
def test_the_conditions_of_an_interval_have_a_time_zone(condition: Any) -> None:
    found = ScheduledTask(task, 60, timezone="Europe/Lisbon", **condition)

    assert found.timezone == "Europe/Lisbon"
