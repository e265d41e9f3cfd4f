from __future__ import annotations

import copy
import pickle

import pytest

from jtc.schedule import (
    DuplicateTask,
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTaskOption,
    InvalidTimezone,
    ScheduleError,
    TaskNotFound,
    UnknownTaskOption,
)

ERRORS = [
    ScheduleError("anything"),
    InvalidCronExpression("* *", "has 2 fields"),
    InvalidInterval(0.5, "is no int or timedelta"),
    InvalidTimezone("Mars/Base", "unknown"),
    InvalidTask("app.tasks.report()", "it takes no context"),
    InvalidTaskOption("tries", 0, "give a whole number from 1"),
    UnknownTaskOption("timezon", known=["timezone"]),
    DuplicateTask("report", first="a.report, a.py:1", second="b.report, b.py:2"),
    TaskNotFound("report", known=["cleanup"]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error: ScheduleError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.args == error.args
        assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (InvalidCronExpression, ValueError),
        (InvalidInterval, ValueError),
        (InvalidTimezone, ValueError),
        (InvalidTask, TypeError),
        (InvalidTaskOption, ValueError),
        (UnknownTaskOption, TypeError),
        (DuplicateTask, ValueError),
        (TaskNotFound, ValueError),
    ],
)
def test_an_error_is_caught_as_ours_and_as_a_builtin(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, ScheduleError)
    assert issubclass(error, builtin)


@pytest.mark.parametrize("error", ERRORS[1:], ids=lambda error: type(error).__name__)
def test_a_docstring_says_when_an_error_is_raised(error: ScheduleError) -> None:
    assert (type(error).__doc__ or "").startswith("Raised when ")
