from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.queue.schedule_check import check_schedules
from jtc.queue.schedule_finding import Finding
from jtc.schedule import ScheduledTask

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def cron(expression: str, name: str = "report", **options: Any) -> ScheduledTask:
    return ScheduledTask(print, expression, name, **options)


def new_york(expression: str, **options: Any) -> ScheduledTask:
    return cron(expression, timezone="America/New_York", **options)


def kinds(*tasks: ScheduledTask, environment: str | None = None) -> list[str]:
    found = check_schedules(tasks, now=NOW, environment=environment)
    return [f"{one.kind} {one.task}" for one in found]


def only(task: ScheduledTask) -> Finding:
    [finding] = check_schedules([task], now=NOW)
    return finding


@pytest.mark.parametrize(
    "task",
    [
        cron("* * * * *"),
        cron("30 2 * * *"),
        ScheduledTask(print, 60, "often"),
        new_york("0 9 * * MON-FRI", timeout=1800),
        new_york("*/5 * * * *", days="weekends"),
        cron("* * * * * *", between=("04:00", "04:01"), days=["sat"]),
    ],
    ids=lambda task: str(task.schedule),
)
def test_a_usual_task_has_no_findings(task: ScheduledTask) -> None:
    assert kinds(task) == []


# -- ticks at all ----------------------------------------------------------------------


def test_a_task_that_has_ended_is_found() -> None:
    finding = only(cron("@daily", ends_at=NOW - DAY))
    assert (finding.kind, finding.severity) == ("ended", "warning")
    assert "2025-12-31T00:00:00+00:00 has passed. Remove it" in finding.message


def test_a_life_without_a_tick_is_found() -> None:
    finding = only(cron("@yearly", starts_at=NOW + DAY, ends_at=NOW + 2 * DAY))
    assert (finding.kind, finding.severity) == ("never_runs", "error")
    assert "no tick between starts_at and ends_at" in finding.message


@pytest.mark.parametrize(
    ("schedule", "options", "reason"),
    [
        # Weeks since 1970 begin on a Thursday.
        (WEEK, {"days": "weekends"}, "days"),
        (DAY, {"between": ("10:00", "12:00")}, "between"),
        ("* * * * *", {"exclude": lambda nominal: True}, "excluded"),
        (
            DAY,
            {"exclude": "2026-01-05", "between": ("10:00", "12:00")},
            "between and excluded",
        ),
    ],
    ids=["days", "between", "exclude", "both"],
)
def test_conditions_that_leave_nothing_of_a_schedule_are_found(
    schedule: str | timedelta, options: dict[str, Any], reason: str
) -> None:
    finding = only(ScheduledTask(print, schedule, "report", **options))
    assert (finding.kind, finding.severity) == ("never_runs", "error")
    assert f"of the year is skipped: {reason}." in finding.message


def test_a_year_of_seconds_is_looked_through_for_one_that_runs() -> None:
    # Given a task that runs late in the year only
    late = cron("* * * * * *", exclude=lambda nominal: nominal.month < 12)
    # Then
    assert kinds(late) == []


def test_tasks_of_other_environments_and_disabled_ones_are_left_out() -> None:
    # Given
    tasks = [
        ScheduledTask(print, WEEK, "live", days="weekends", environments="production"),
        ScheduledTask(print, WEEK, "off", days="weekends", enabled=False),
    ]
    # Then
    assert kinds(*tasks) == ["never_runs live"]
    assert kinds(*tasks, environment="production") == ["never_runs live"]
    assert kinds(*tasks, environment="staging") == []


# -- duplicates ------------------------------------------------------------------------


def test_two_tasks_that_do_the_same_at_the_same_time_are_found() -> None:
    # Given
    tasks = [cron("0 0 * * *", "a"), cron("@daily", "b", timeout=10)]
    # Then the second is named, and says which the first is
    [finding] = check_schedules(tasks, now=NOW)
    assert (finding.task, finding.kind, finding.severity) == ("b", "duplicate", "error")
    assert "of 'a'" in finding.message


@pytest.mark.parametrize("zone", [None, "UTC", "Etc/GMT"])
def test_the_names_of_utc_are_one_zone(zone: str | None) -> None:
    tasks = [
        cron("@daily", "a", timezone="Etc/UTC"),
        cron("@daily", "b", timezone=zone),
    ]
    assert kinds(*tasks) == ["duplicate b"]


@pytest.mark.parametrize(
    "other",
    [
        cron("@hourly", "b"),
        ScheduledTask(repr, "@daily", "b"),
        cron("@daily", "b", timezone="Asia/Tokyo"),
        cron("@daily", "b", queue="other"),
        cron("@daily", "b", payload={"sep": ","}),
    ],
    ids=["schedule", "function", "zone", "queue", "payload"],
)
def test_what_differs_is_no_duplicate(other: ScheduledTask) -> None:
    assert kinds(cron("@daily", "a"), other) == []


# -- changing clocks -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "kind", "part"),
    [
        (
            new_york("30 2 * * *"),
            "dst_gap",
            "of America/New_York skip 2026-03-08 02:30: with dst='auto' it runs right",
        ),
        (
            new_york("*/15 2 * * *"),
            "dst_gap",
            "skip 2026-03-08 02:00 to 02:45: with dst='auto' it does not run.",
        ),
        (
            new_york("30 1 * * *"),
            "dst_fold",
            "show 2026-11-01 01:30 twice: with dst='auto' it runs the first time only.",
        ),
        (
            new_york("*/30 1 * * *"),
            "dst_fold",
            "show 2026-11-01 01:00 to 01:30 twice: with dst='auto' it runs both times.",
        ),
        (
            cron("45 1 * * *", timezone="Australia/Lord_Howe"),
            "dst_fold",
            "show 2026-04-05 01:45 twice",
        ),
        (
            new_york("30 1 * * *", between=("01:15", "01:45")),
            "dst_fold",
            "show 2026-11-01 01:30 twice",
        ),
        # The clocks of Morocco go back for Ramadan, and forward after it.
        (
            cron("30 2 * * *", timezone="Africa/Casablanca"),
            "dst_gap",
            "skip 2026-03-22 02:30:",
        ),
    ],
    ids=[
        "gap",
        "star in gap",
        "fold",
        "star in fold",
        "lord howe",
        "between",
        "ramadan",
    ],
)
def test_ticks_that_clocks_skip_or_repeat_are_found(
    task: ScheduledTask, kind: str, part: str
) -> None:
    found = {one.kind: one for one in check_schedules([task], now=NOW)}
    assert found[kind].severity == "warning"  # type: ignore[index]
    assert part in found[kind].message  # type: ignore[index]
    assert found[kind].message.endswith("dst='skip' or dst='repeat'.")  # type: ignore[index]


def test_every_hour_by_numbers_loses_the_repeated_hour_and_is_found() -> None:
    assert kinds(new_york("5 0-23 * * *")) == ["dst_gap report", "dst_fold report"]


@pytest.mark.parametrize(
    "options",
    [
        {"dst": "skip"},
        {"dst": "repeat"},
        {"days": "weekdays"},
        {"ends_at": datetime(2026, 2, 1, tzinfo=UTC)},
        {"starts_at": datetime(2026, 4, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_what_is_settled_or_does_not_come_is_not_found(options: dict[str, Any]) -> None:
    # Given a time in the gap of 8 March, a Sunday
    assert kinds(new_york("30 2 * * *")) == ["dst_gap report"]
    # Then there is nothing to say of it
    assert kinds(new_york("30 2 * * *", **options)) == []


# -- overlap ---------------------------------------------------------------------------


def test_a_timeout_longer_than_the_time_between_ticks_is_found() -> None:
    # Given ticks 40 and 20 minutes apart
    finding = only(cron("0,40 * * * *", timeout=1500))
    # Then
    assert (finding.kind, finding.severity) == ("overlap", "warning")
    assert "may take 1500 s, and ticks are 1200 s apart" in finding.message


@pytest.mark.parametrize(
    "options",
    [{"timeout": 1200}, {"timeout": 1500, "overlap": "allow"}, {}],
    ids=["short", "allowed", "default"],
)
def test_runs_that_may_or_will_not_overlap_are_not_found(
    options: dict[str, Any],
) -> None:
    assert kinds(cron("0,40 * * * *", **options)) == []


# -- expected successes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "seconds"),
    [
        (cron("0 9 * * MON-FRI", expect_within=26 * 3600), 72 * 3600),
        (
            cron("*/10 * * * *", between=("08:00", "18:00"), expect_within=1800),
            14 * 3600,
        ),
        (
            ScheduledTask(print, 600, "report", days="weekdays", expect_within=700),
            173400,
        ),
        (cron("0 9 * * *", expect_within=DAY + timedelta(seconds=1)), None),
        (cron("* * * * *", expect_within=61), None),
        (cron("0 0 1 1 *", expect_within=DAY * 2), 365 * 86400),
    ],
)
def test_a_success_that_is_expected_before_there_is_a_run_is_found(
    task: ScheduledTask, seconds: int | None
) -> None:
    if seconds is None:
        assert kinds(task) == []
        return
    finding = only(task)
    assert (finding.kind, finding.severity) == ("expectation", "warning")
    assert f"no tick that could bring it for {seconds} s after 202" in finding.message


def test_what_is_skipped_elsewhere_is_no_gap_here() -> None:
    task = cron("0 * * * *", environments="staging", expect_within=2 * 3600)
    assert kinds(task) == kinds(task, environment="staging") == []


def test_findings_come_task_by_task() -> None:
    tasks = [
        ScheduledTask(print, WEEK, "first", days="weekends"),
        new_york("30 2 * * *", name="second"),
        ScheduledTask(print, WEEK, "third", days="weekends", timeout=9e5),
    ]
    assert kinds(*tasks) == [
        "never_runs first",
        "dst_gap second",
        "duplicate third",
        "never_runs third",
        "overlap third",
    ]
