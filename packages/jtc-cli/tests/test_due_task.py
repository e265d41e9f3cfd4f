from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jtc.cli.due_task import DueTask
from jtc.queue.ticks import first_due
from jtc.schedule import ScheduledTask

NOW = datetime(2026, 11, 22, 6, 35, tzinfo=UTC)


def due(schedule: str | int, timezone: str | None = None) -> DueTask:
    task = ScheduledTask(print, schedule, "name", "What.", timezone=timezone)
    return DueTask.at(task, NOW)


@pytest.mark.parametrize(
    ("schedule", "when"),
    [
        (30, "06:35:30"),
        ("0 3 * * *", "03:00:00"),
        ("35 6 * * *", "Nov 23 06:35"),
        ("10 0 0 1 1 *", "Jan 01 00:00:10"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
    ],
)
def test_the_next_tick_has_a_date_if_it_is_a_day_away(
    schedule: str | int, when: str
) -> None:
    assert due(schedule).when == when


def test_a_task_without_a_next_tick_says_why() -> None:
    ended = ScheduledTask(print, 60, "ended", ends_at=NOW)
    retired = ScheduledTask(print, 60, "retired", enabled=False)
    assert [DueTask.at(task, NOW).when for task in (ended, retired)] == [
        *("never", "disabled")
    ]
    assert DueTask.at(ended, NOW).as_json()["next_due"] is None


def test_jitter_is_part_of_when_a_task_is_due() -> None:
    task = ScheduledTask(print, 3600, "sync", jitter=600)
    due = DueTask.at(task, NOW).due
    assert due is not None
    assert due == first_due(task, NOW)
    assert due.minute < 10
    assert due.second or due.microsecond or due.minute


def test_an_interval_is_shown_in_seconds() -> None:
    assert (due(60).schedule, due(60).type) == ("60s", "interval")


def test_a_cron_expression_is_shown_with_its_time_zone() -> None:
    task = due("0 9 * * *", timezone="Europe/Berlin")
    assert (task.schedule, task.type) == ("0 9 * * *\nEurope/Berlin", "cron")
    assert due("0 9 * * *").schedule == "0 9 * * *"


def test_a_program_reads_utc() -> None:
    assert due("0 9 * * *", timezone="Europe/Berlin").as_json() == {
        "name": "name",
        "schedule": "0 9 * * *",
        "type": "cron",
        "description": "What.",
        "timezone": "Europe/Berlin",
        "next_due": "2026-11-22T08:00:00Z",
    }
