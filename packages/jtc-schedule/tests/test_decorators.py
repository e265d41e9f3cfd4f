from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from jtc.schedule import (
    DuplicateTask,
    InvalidCronExpression,
    InvalidInterval,
    InvalidTask,
    InvalidTimezone,
    Schedule,
    ScheduleRegistry,
)


def report(ctx: Any) -> str:
    return "sent"


def test_a_wrong_expression_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidCronExpression):
        Schedule.cron("0 61 * * *")


def test_a_wrong_interval_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidInterval):
        Schedule.every(0)


def test_an_unknown_time_zone_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidTimezone):
        Schedule.cron("@daily", timezone="Mars/Base")


def test_a_wrong_name_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidTask):
        Schedule.cron("@daily", name="")
    with pytest.raises(InvalidTask):
        Schedule.every(60, "\n")


def test_a_wrong_description_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidTask):
        Schedule.every(60, description=5)  # type: ignore[arg-type]


def test_a_decorator_used_without_arguments_is_refused() -> None:
    with pytest.raises(InvalidCronExpression, match="give a string"):
        Schedule.cron(report)  # type: ignore[arg-type]
    with pytest.raises(InvalidInterval, match="no int or timedelta"):
        Schedule.every(report)  # type: ignore[arg-type]


def test_the_time_zone_is_passed_on() -> None:
    Schedule.cron("0 9 * * *", timezone="Europe/Lisbon")(report)

    (task,) = ScheduleRegistry.get_all()
    assert task.timezone == "Europe/Lisbon"


def test_a_timedelta_is_an_interval() -> None:
    Schedule.every(timedelta(minutes=5))(report)

    (task,) = ScheduleRegistry.get_all()
    assert task.schedule == 300


def test_a_plain_function_stays_as_it_is() -> None:
    assert Schedule.every(60)(report) is report
    assert report({}) == "sent"


@pytest.mark.parametrize("value", [None, 5, "report"])
def test_what_is_not_callable_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be a scheduled task"):
        Schedule.every(60)(value)


def test_a_refused_function_is_not_registered() -> None:
    def generator(ctx: Any) -> Iterator[None]:
        yield

    with pytest.raises(InvalidTask):
        Schedule.every(60)(generator)
    with pytest.raises(InvalidTask):
        Schedule.every(60)(lambda ctx: None)

    assert ScheduleRegistry.get_all() == []


def test_a_lambda_runs_under_a_given_name() -> None:
    Schedule.every(60, name="nothing")(lambda ctx: None)

    assert ScheduleRegistry.get_task("nothing") is not None


def test_one_decorator_names_one_task() -> None:
    decorate = Schedule.every(60, name="only")
    decorate(report)

    with pytest.raises(DuplicateTask):
        decorate(lambda ctx: None)
