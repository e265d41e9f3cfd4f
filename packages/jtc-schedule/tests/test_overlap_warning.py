from __future__ import annotations

import inspect
import warnings
from datetime import timedelta
from typing import Any

import pytest

from jtc.schedule import Schedule, ScheduledTask, ScheduleWarning


def report(ctx: Any) -> None: ...


def this_line() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_timeout_beyond_the_interval_is_warned_of_at_the_users_line() -> None:
    line = this_line() + 2
    with pytest.warns(ScheduleWarning, match="may take 60 s") as caught:
        Schedule.every(30, timeout=60)

    (warning,) = caught
    assert (warning.filename, warning.lineno) == (__file__, line)


def test_a_timeout_of_the_group_is_warned_of_too() -> None:
    with (
        Schedule.group(timeout=timedelta(minutes=2)),
        pytest.warns(ScheduleWarning, match="due after 90 s") as caught,
    ):
        Schedule.every(90)

    line = this_line() - 2
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_nothing_else_is_warned_of() -> None:
    with warnings.catch_warnings(record=True, action="always") as caught:
        Schedule.every(30)
        Schedule.every(30, timeout=30)
        Schedule.every(30, timeout=60, overlap="allow")
        Schedule.every(30, timeout=60, overlap="buffer_one")
        Schedule.cron("* * * * *", timeout=3600)
        # A value may have been read from somewhere: nobody is writing it.
        ScheduledTask(report, 30, timeout=60)

    assert caught == []


def test_a_task_is_warned_of_once() -> None:
    with pytest.warns(ScheduleWarning) as caught:
        Schedule.every(30, timeout=60)(report)

    assert len(caught) == 1
