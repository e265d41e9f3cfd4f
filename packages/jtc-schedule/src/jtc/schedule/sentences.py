from __future__ import annotations

from collections.abc import Collection
from datetime import time
from typing import TypeVar, Unpack

from jtc.schedule import sentence
from jtc.schedule.declaring import Declaring
from jtc.schedule.option_keywords import OptionKeywords

R_co = TypeVar("R_co", covariant=True)


class TaskKeywords(OptionKeywords, total=False):
    """What a sentence may be given beside its own words."""

    name: str | None
    description: str | None


class Sentences(Declaring[R_co]):
    """Schedules that read like a sentence, each another word for a cron expression.

    Times are "HH:MM", "HH:MM:SS" or `datetime.time`, in the zone of the task. All take
    the same name, description and options as `cron`. What can never be is refused with
    `InvalidTaskOption`.
    """

    def hourly(self, at: int = 0, **keywords: Unpack[TaskKeywords]) -> R_co:
        """Run each hour, `at` so many minutes past."""
        return self._say(sentence.hourly(at), keywords)

    def daily(self, at: str | time = "00:00", **keywords: Unpack[TaskKeywords]) -> R_co:
        """Run each day."""
        return self._say(sentence.daily(at), keywords)

    def twice_daily(
        self,
        at: tuple[str | time, str | time] = ("00:00", "12:00"),
        **keywords: Unpack[TaskKeywords],
    ) -> R_co:
        """Run each day at two times, which have the same minute."""
        return self._say(sentence.twice_daily(at), keywords)

    def weekdays(
        self, at: str | time = "00:00", **keywords: Unpack[TaskKeywords]
    ) -> R_co:
        """Run from Monday to Friday."""
        return self._say(sentence.daily(at, "* * MON-FRI"), keywords)

    def weekends(
        self, at: str | time = "00:00", **keywords: Unpack[TaskKeywords]
    ) -> R_co:
        """Run on Saturday and on Sunday."""
        return self._say(sentence.daily(at, "* * SAT,SUN"), keywords)

    def weekly(
        self,
        on: str | int | Collection[str | int] = "sun",
        at: str | time = "00:00",
        **keywords: Unpack[TaskKeywords],
    ) -> R_co:
        """Run on one day of the week, or on several, as in `on=["mon", "thu"]`."""
        return self._say(sentence.weekly(on, at), keywords)

    def monthly(
        self,
        day: int = 1,
        at: str | time = "00:00",
        **keywords: Unpack[TaskKeywords],
    ) -> R_co:
        """Run on a day of each month that has it; see `last_day_of_month`."""
        return self._say(sentence.monthly(day, at), keywords)

    def last_day_of_month(
        self, at: str | time = "00:00", **keywords: Unpack[TaskKeywords]
    ) -> R_co:
        """Run on the 28th, 29th, 30th or 31st, whichever is the last."""
        return self._say(sentence.daily(at, "L * *"), keywords)

    def quarterly(
        self,
        day: int = 1,
        at: str | time = "00:00",
        **keywords: Unpack[TaskKeywords],
    ) -> R_co:
        """Run on a day of January, April, July and October, as far as they have it."""
        return self._say(sentence.monthly(day, at, "1,4,7,10"), keywords)

    def yearly(
        self,
        month: int = 1,
        day: int = 1,
        at: str | time = "00:00",
        **keywords: Unpack[TaskKeywords],
    ) -> R_co:
        """Run on one day of the year; 29 February is in leap years only."""
        return self._say(sentence.yearly(month, day, at), keywords)

    def _say(self, expression: str, keywords: TaskKeywords) -> R_co:
        return self.cron(expression, **keywords)
