from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import (
    InvalidCronExpression,
    InvalidTaskOption,
    Schedule,
    ScheduledTask,
    ScheduleRegistry,
)


def report(ctx: Any) -> None: ...


def declared(decorate: Callable[[Any], Any]) -> ScheduledTask:
    with ScheduleRegistry.scoped() as registry:
        decorate(report)
        (task,) = registry.get_all()
    return task


@pytest.mark.parametrize(
    ("decorate", "expression"),
    [
        (Schedule.hourly(), "0 * * * *"),
        (Schedule.hourly(at=17), "17 * * * *"),
        (Schedule.daily(), "0 0 * * *"),
        (Schedule.daily("7:05"), "5 7 * * *"),
        (Schedule.daily(at="13:00"), "0 13 * * *"),
        (Schedule.daily(at=time(13, 0, 30)), "30 0 13 * * *"),
        (Schedule.twice_daily(), "0 0,12 * * *"),
        (Schedule.twice_daily(at=("20:30", "08:30")), "30 8,20 * * *"),
        (Schedule.twice_daily(at=("08:30:15", "20:30:15")), "15 30 8,20 * * *"),
        (Schedule.weekdays(at="09:00"), "0 9 * * MON-FRI"),
        (Schedule.weekends(at="10:00"), "0 10 * * SAT,SUN"),
        (Schedule.weekly(), "0 0 * * SUN"),
        (Schedule.weekly(on="sun", at="08:00"), "0 8 * * SUN"),
        (Schedule.weekly(on=["thursday", 1], at="08:00"), "0 8 * * MON,THU"),
        (Schedule.monthly(), "0 0 1 * *"),
        (Schedule.monthly(day=15, at="06:00"), "0 6 15 * *"),
        (Schedule.last_day_of_month(at="18:00"), "0 18 L * *"),
        (Schedule.quarterly(), "0 0 1 1,4,7,10 *"),
        (Schedule.quarterly(day=2, at="04:00"), "0 4 2 1,4,7,10 *"),
        (Schedule.yearly(), "0 0 1 1 *"),
        (Schedule.yearly(month=12, day=24, at="18:00"), "0 18 24 12 *"),
    ],
)
def test_a_sentence_is_another_word_for_an_expression(
    decorate: Callable[[Any], Any], expression: str
) -> None:
    assert declared(decorate) == declared(Schedule.cron(expression))


SENTENCES: list[Callable[..., Callable[[Any], Any]]] = [
    Schedule.hourly,
    Schedule.daily,
    Schedule.twice_daily,
    Schedule.weekdays,
    Schedule.weekends,
    Schedule.weekly,
    Schedule.monthly,
    Schedule.last_day_of_month,
    Schedule.quarterly,
    Schedule.yearly,
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_takes_a_name_a_description_and_options(
    sentence: Callable[..., Callable[[Any], Any]],
) -> None:
    task = declared(
        sentence(
            name="figures",
            description="Mail them",
            timezone="Europe/Lisbon",
            overlap="allow",
        )
    )

    assert (task.name, task.description) == ("figures", "Mail them")
    assert (task.timezone, task.options.overlap) == ("Europe/Lisbon", "allow")


@pytest.mark.parametrize(
    ("sentence", "words", "message"),
    [
        (Schedule.hourly, {"at": 60}, "at=60: give a whole number from 0 to 59"),
        (Schedule.hourly, {"at": "17"}, "at='17': give a whole number"),
        (Schedule.hourly, {"at": True}, "at=True: give a whole number"),
        (Schedule.daily, {"at": "25:00"}, "at='25:00': give a time of the day"),
        (Schedule.daily, {"at": 13}, "at=13: give a time of the day"),
        (Schedule.daily, {"at": time(1, microsecond=5)}, "leave out the parts of a"),
        (Schedule.twice_daily, {"at": "08:00"}, "at='08:00': give two times"),
        (Schedule.twice_daily, {"at": 8}, "at=8: give two times"),
        (Schedule.twice_daily, {"at": ("08:00",)}, "give two times"),
        (Schedule.twice_daily, {"at": ("08:00", "8:00")}, "the two times are one"),
        (Schedule.twice_daily, {"at": ("08:00", "20:30")}, "one minute for both"),
        (Schedule.weekly, {"on": "sunny"}, "on='sunny': did you mean 'sun'"),
        (Schedule.weekly, {"on": []}, r"on=\[\]: without a day"),
        (Schedule.monthly, {"day": 32}, "day=32: give a whole number from 1 to 31"),
        (Schedule.quarterly, {"day": 0}, "day=0: give a whole number from 1 to 31"),
        (Schedule.yearly, {"month": 13}, "month=13: give a whole number from 1 to"),
    ],
)
def test_a_word_that_can_never_be_is_refused(
    sentence: Callable[..., Any], words: Any, message: str
) -> None:
    with pytest.raises(InvalidTaskOption, match=message):
        sentence(**words)


def test_a_day_that_no_year_has_is_refused() -> None:
    with pytest.raises(InvalidCronExpression, match="can never fire"):
        Schedule.yearly(month=2, day=30)


@given(st.times(), st.integers(1, 28), st.integers(1, 12))
def test_the_parts_of_a_sentence_are_the_fields_of_its_expression(
    moment: time, day: int, month: int
) -> None:
    moment = moment.replace(microsecond=0)

    schedule = declared(Schedule.yearly(month=month, day=day, at=moment)).schedule

    *second, minute, hour, of_month, of_year, weekday = str(schedule).split()
    seconds = int(second[0]) if second else 0
    assert time(int(hour), int(minute), seconds) == moment
    assert (int(of_month), int(of_year), weekday) == (day, month, "*")


@given(st.times())
def test_a_time_and_its_text_are_the_same_in_a_sentence(moment: time) -> None:
    moment = moment.replace(microsecond=0)

    assert declared(Schedule.daily(moment)) == declared(Schedule.daily(str(moment)))
