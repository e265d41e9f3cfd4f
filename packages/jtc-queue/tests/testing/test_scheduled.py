from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from jtc.schedule import Schedule, ScheduledTask
from jtc.testing import (
    NotAMoment,
    UnknownTask,
    assert_not_scheduled,
    assert_scheduled,
    simulate,
)
from jtc.testing.moments import read_moment


async def run(ctx: dict[str, Any]) -> None: ...


@pytest.fixture(autouse=True)
def registries(jtc_registry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JTC_TIMEZONE", raising=False)


@pytest.fixture
def report() -> None:
    Schedule.cron("0 8 * * mon", name="report", timezone="Europe/Paris")(run)


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02 08:00",
        "2026-03-02T08:00:00",
        "2026-03-02 08:00+01:00",
        "2026-03-02T07:00:00+00:00",
        datetime(2026, 3, 2, 8),  # noqa: DTZ001 - in the task's zone
        datetime(2026, 3, 2, 7, tzinfo=UTC),
    ],
)
def test_a_tick_is_found_in_the_zone_of_its_task(report: None, at: Any) -> None:
    assert_scheduled("report", at=at)
    with pytest.raises(AssertionError):
        assert_not_scheduled("report", at=at)


def test_a_tick_is_found_in_the_zone_that_is_given(report: None) -> None:
    assert_scheduled("report", at="2026-03-02 08:00", timezone="Europe/Paris")
    assert_scheduled("report", at="2026-03-02 02:00", timezone="America/New_York")
    assert_not_scheduled("report", at="2026-03-02 08:00", timezone="UTC")
    assert_not_scheduled("report", at="2026-03-02 08:00:01")


def test_a_task_without_a_zone_is_in_that_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = ScheduledTask(run, "0 8 * * *")
    assert_scheduled(task, at="2026-03-02 08:00", timezone="UTC")

    monkeypatch.setenv("JTC_TIMEZONE", "Asia/Tokyo")

    assert_scheduled(task, at="2026-03-02 08:00")
    assert_scheduled(task, at="2026-03-01 23:00", timezone="UTC")


def test_an_assertion_names_the_nearest_ticks(report: None) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_scheduled("report", at="2026-03-02 08:30")

    assert str(failed.value) == (
        "Task 'report' has no tick at 2026-03-02 08:30 Europe/Paris. "
        "Its schedule is '0 8 * * mon'; the nearest ticks: "
        "2026-03-02 08:00 Europe/Paris, 2026-03-09 08:00 Europe/Paris, "
        "2026-03-16 08:00 Europe/Paris."
    )


def test_an_interval_is_named_in_seconds() -> None:
    task = ScheduledTask(run, 45)

    with pytest.raises(AssertionError) as failed:
        assert_scheduled(task, at="2026-03-02 00:00:50+00:00")

    assert "Its schedule is 45 s; the nearest ticks: 2026-03-02 00:00:45 UTC, " in str(
        failed.value
    )


def test_an_assertion_names_the_tick_that_should_not_be(report: None) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_not_scheduled("report", at="2026-03-02 07:00+00:00")

    assert str(failed.value) == (
        "Task 'report' is due at 2026-03-02 07:00 UTC; its schedule is '0 8 * * mon'."
    )


def test_a_tick_that_is_skipped_is_not_scheduled() -> None:
    task = ScheduledTask(run, "@daily", "report", exclude=[date(2026, 12, 25)])

    assert_scheduled(task, at="2026-12-24 00:00")
    assert_not_scheduled(task, at="2026-12-25 00:00")
    with pytest.raises(AssertionError, match="does not run: skipped:excluded"):
        assert_scheduled(task, at="2026-12-25 00:00")


def test_an_environment_can_be_named() -> None:
    task = ScheduledTask(run, "@daily", environments=["production"])

    assert_scheduled(task, at="2026-12-24 00:00", environment="production")
    assert_not_scheduled(task, at="2026-12-24 00:00", environment="staging")


def test_a_task_that_is_not_enabled_is_not_scheduled() -> None:
    task = ScheduledTask(run, "@daily", enabled=False)

    assert_not_scheduled(task, at="2026-12-24 00:00")
    with pytest.raises(AssertionError, match="It is not enabled"):
        assert_scheduled(task, at="2026-12-24 00:00")


def test_jitter_does_not_move_the_nominal_time() -> None:
    assert_scheduled(ScheduledTask(run, "@daily", jitter=600), at="2026-12-24 00:00")


def test_a_task_that_is_not_registered_is_a_mistake(report: None) -> None:
    with pytest.raises(UnknownTask, match=r"No task 'repot' .* Registered: report\."):
        assert_not_scheduled("repot", at="2026-03-02 08:00")


@pytest.mark.parametrize(
    ("text", "zone", "why"),
    [
        ("monday", "UTC", 'write it as in "2026-03-02 08:00"'),
        ("2026-03-29 02:30", "Europe/Paris", "the clocks of Europe/Paris go"),
        ("2026-03-02 08:00", "Europe/Pariss", "no time zone 'Europe/Pariss'"),
    ],
)
def test_what_is_no_moment_is_refused(text: str, zone: str, why: str) -> None:
    with pytest.raises(NotAMoment, match=why):
        read_moment(text, zone)


def test_of_a_repeated_hour_the_first_one_is_meant() -> None:
    moment = read_moment("2026-10-25 02:30", "Europe/Paris")

    assert moment.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = read_moment(moment.replace(tzinfo=None, fold=1), "Europe/Paris")
    assert second.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_the_ticks_of_a_time_are_simulated(report: None) -> None:
    Schedule.cron("0 12 * * *", name="noon")(run)

    ticks = simulate("2026-03-01", "2026-03-02 12:00")

    assert [(one.task, f"{one.tick:%d %H}") for one in ticks] == [
        ("noon", "01 12"),
        ("report", "02 07"),
        ("noon", "02 12"),
    ]
    assert simulate("2026-03-01", "2026-03-02 12:00", tasks=["report"]) == [ticks[1]]
    start = datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert simulate(start, start) == [ticks[1]]
    zone = "Europe/Paris"
    morning = simulate("2026-03-02 08:00", "2026-03-02 08:00", timezone=zone)
    assert morning == [ticks[1]]
