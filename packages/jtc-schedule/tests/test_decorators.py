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
    InvalidTaskOption,
    InvalidTimezone,
    Schedule,
    ScheduleRegistry,
    UnknownTaskOption,
)


def report(ctx: Any) -> str:
    return "sent"


def regional(ctx: Any, region: str) -> None: ...


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


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        ({"seconds": 30}, 30),
        ({"minutes": 5}, 300),
        ({"hours": 1.5}, 5400),
        ({"weeks": 2}, 1209600),
        ({"minutes": 1, "hours": 1}, 3660),
        ({"minutes": 1, "seconds": 0}, 60),
    ],
)
def test_an_interval_is_the_sum_of_its_units(interval: Any, seconds: int) -> None:
    Schedule.every(**interval)(report)

    (task,) = ScheduleRegistry.get_all()
    assert task.schedule == seconds


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ({}, "nothing says how long it is; write every"),
        ({"minutes": 0}, "nothing says how long it is"),
        ({"days": 2}, "days=2 is the option that restricts ticks to days of the week"),
        ({"days": "mon"}, "two days are hours=48"),
        ({"minutes": 0.001}, "has a fraction of a second"),
        ({"hours": -1}, "is shorter than one second"),
        ({"weeks": 1000}, "is longer than 10 years"),
        ({"minutes": "5"}, "is given in what are no numbers"),
        ({"hours": float("nan")}, "is given in what are no numbers"),
        ({"hours": float("inf")}, "is given in what are no numbers"),
        ({"seconds": "30", "minutes": 1}, "is text"),
        ({"seconds": 5, "minutes": 2}, r"with minutes=2: .* write every\(125\),"),
        (
            {"seconds": timedelta(minutes=1), "hours": 1, "weeks": 1},
            r"with hours=1, weeks=1: .* write every\(608460\)",
        ),
    ],
)
def test_an_interval_that_cannot_be_is_refused(interval: Any, words: str) -> None:
    with pytest.raises(InvalidInterval, match=words):
        Schedule.every(**interval)


def test_an_interval_may_be_restricted_to_days() -> None:
    Schedule.every(minutes=5, days=2)(report)

    (task,) = ScheduleRegistry.get_all()
    assert (task.schedule, task.options.days) == (300, frozenset({2}))


def test_options_are_passed_on() -> None:
    Schedule.cron("@daily", payload={"region": "eu"}, tries=3)(regional)
    Schedule.every(60, "other", payload={"region": "us"}, overlap="allow")(regional)

    daily, other = ScheduleRegistry.get_all()
    assert (daily.options.payload, daily.options.tries) == ({"region": "eu"}, 3)
    assert (other.options.payload, other.options.overlap) == ({"region": "us"}, "allow")


def test_a_wrong_option_is_refused_before_there_is_a_function() -> None:
    with pytest.raises(InvalidTaskOption):
        Schedule.every(60, tries=0)
    with pytest.raises(UnknownTaskOption):
        Schedule.cron("@daily", trys=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidTaskOption):
        Schedule.cron("@daily", phase=1)


def test_a_payload_that_does_not_fit_the_function_is_refused() -> None:
    with pytest.raises(InvalidTask, match="payload of 'region'"):
        Schedule.daily(payload={"region": "eu"})(report)

    assert ScheduleRegistry.get_all() == []
