from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

from jtc.queue.simulation import SimulatedTick, simulate
from jtc.queue.ticks import fire_time
from jtc.schedule import ScheduledTask

START = datetime(2026, 11, 22, tzinfo=UTC)  # a Sunday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CENTURIES = timedelta(days=400_000)


def test_ticks_of_all_tasks_come_in_the_order_in_which_they_fire() -> None:
    # Given two tasks, one of which waits a while before it fires
    spread = ScheduledTask(print, 3600, "spread", jitter=3000)
    daily = ScheduledTask(print, "30 0 * * *", "daily")
    # When
    ticks = list(simulate([spread, daily], START, START + DAY))
    # Then
    assert [one.fires for one in ticks] == sorted(one.fires for one in ticks)
    assert [one.tick for one in ticks if one.task == "daily"] == [START + HOUR / 2]
    assert [one.tick for one in ticks if one.task == "spread"] == [
        START + n * HOUR for n in range(25)
    ]
    assert all(
        one.fires == fire_time(spread, one.tick)
        for one in ticks
        if one.task == "spread"
    )


def test_the_first_and_the_last_moment_belong_to_it() -> None:
    task = ScheduledTask(print, "@daily", "report")
    assert [one.tick for one in simulate([task], START, START + DAY)] == [
        START,
        START + DAY,
    ]


def test_a_tick_that_a_condition_excludes_is_shown_as_skipped() -> None:
    # Given
    tasks = [
        ScheduledTask(print, "@daily", "office", days="weekdays"),
        ScheduledTask(print, "@daily", "live", environments="production"),
    ]
    # When
    ticks = simulate(tasks, START, START + DAY, environment="staging")
    # Then
    assert list(ticks) == [
        SimulatedTick("live", START, START, "skipped:environment"),
        SimulatedTick("office", START, START, "skipped:days"),
        SimulatedTick("live", START + DAY, START + DAY, "skipped:environment"),
        SimulatedTick("office", START + DAY, START + DAY, "due"),
    ]


def test_what_is_not_enabled_or_has_ended_has_no_ticks() -> None:
    tasks = [
        ScheduledTask(print, 60, "off", enabled=False),
        ScheduledTask(print, 60, "over", ends_at=START - DAY),
    ]
    assert list(simulate(tasks, START, START + DAY)) == []


def test_centuries_are_simulated_as_far_as_one_looks() -> None:
    # Given many tasks of every second
    tasks = [ScheduledTask(print, "* * * * * *", f"task {n}") for n in range(50)]
    # Then one may take the first ticks only
    ticks = simulate(tasks, START, START + CENTURIES)
    assert {one.tick for one in islice(ticks, 50)} == {START}
    assert next(ticks).tick == START + timedelta(seconds=1)
