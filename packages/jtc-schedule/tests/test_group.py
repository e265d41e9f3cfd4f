from __future__ import annotations

import contextvars
import threading
from typing import Any

import pytest

from jtc.schedule import (
    InvalidTaskOption,
    InvalidTimezone,
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
    UnknownTaskOption,
)


def report(ctx: Any) -> None: ...


def only_task() -> ScheduledTask:
    (task,) = ScheduleRegistry.get_all()
    return task


def test_a_group_sets_options_for_what_is_declared_inside() -> None:
    with Schedule.group(timezone="Europe/Lisbon", queue="reports", days="weekdays"):
        Schedule.daily(at="07:30")(report)

    options = only_task().options
    assert (options.timezone, options.queue) == ("Europe/Lisbon", "reports")
    assert options.days == frozenset({1, 2, 3, 4, 5})


def test_a_group_ends_with_its_block() -> None:
    with pytest.raises(LookupError), Schedule.group(queue="reports"):
        raise LookupError
    Schedule.daily()(report)

    assert only_task().options.queue is None


def test_what_is_written_at_the_decorator_wins() -> None:
    with Schedule.group(queue="reports", tries=3):
        Schedule.daily(queue=None, tries=2)(report)

    assert (only_task().options.queue, only_task().options.tries) == (None, 2)


def test_the_inner_of_two_groups_wins() -> None:
    with Schedule.group(queue="reports", tries=3):
        with Schedule.group(queue="mail", timeout=60):
            Schedule.daily(name="inner")(report)
        Schedule.daily(name="outer")(report)

    inner, outer = (task.options for task in ScheduleRegistry.get_all())
    assert (inner.queue, inner.tries, inner.timeout) == ("mail", 3, 60)
    assert (outer.queue, outer.tries, outer.timeout) == ("reports", 3, 300)


def test_an_option_that_does_nothing_for_a_schedule_is_not_applied() -> None:
    with Schedule.group(timezone="Europe/Lisbon", dst="skip", phase=5):
        Schedule.every(60, name="interval")(report)
        Schedule.every(60, name="by day", days="mon")(report)
        Schedule.daily(name="cron")(report)

    interval, by_day, cron = (task.options for task in ScheduleRegistry.get_all())
    assert (interval.timezone, interval.dst, interval.phase) == (None, "auto", 5)
    assert (by_day.timezone, by_day.dst) == ("Europe/Lisbon", "auto")
    assert (cron.timezone, cron.dst, cron.phase) == ("Europe/Lisbon", "skip", 0)


def test_the_same_option_at_the_decorator_is_refused() -> None:
    with Schedule.group(timezone="Europe/Lisbon"), pytest.raises(InvalidTimezone):
        Schedule.every(60, timezone="UTC")


def test_a_jitter_of_the_group_has_to_be_below_the_interval() -> None:
    with Schedule.group(jitter=30), pytest.raises(InvalidTaskOption, match="10 s"):
        Schedule.every(10)


def test_a_wrong_option_is_refused_where_the_group_begins() -> None:
    with pytest.raises(InvalidTaskOption, match="tries=0"), Schedule.group(tries=0):
        pytest.fail("the block was entered")
    with pytest.raises(UnknownTaskOption), Schedule.group(trys=1):  # type: ignore[call-arg]
        pytest.fail("the block was entered")


def test_a_group_holds_in_its_own_thread_and_context_only() -> None:
    outside = contextvars.copy_context()

    with Schedule.group(queue="reports"):
        thread = threading.Thread(target=Schedule.daily(name="thread"), args=[report])
        thread.start()
        thread.join()
        outside.run(lambda: Schedule.daily(name="context")(report))
        other = threading.Thread(target=lambda: Schedule.daily(name="new")(report))
        other.start()
        other.join()

    queues = {task.name: task.options.queue for task in ScheduleRegistry.get_all()}
    # What counts is where the decorator was called, not where it was applied.
    assert queues == {"thread": "reports", "context": None, "new": None}
