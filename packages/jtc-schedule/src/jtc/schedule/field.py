from __future__ import annotations

import re
from dataclasses import dataclass

LAST = "L"
LAST_WORKDAY = "LW"
LAST_OF_MONTH = -1

#: A number; `L` or `LW` among the days; (weekday, nth or LAST_OF_MONTH) among weekdays.
Item = int | str | tuple[int, int]

# fmt: off
_MONTHS = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)
# fmt: on
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LARGEST_NTH = 5


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a cron expression: its bounds, its names and its words."""

    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    words: str = ""

    def parse(self, term: str) -> set[Item]:
        """Return what one term of a list, such as `MON-FRI` or `*/5`, stands for.

        Raises:
            ValueError: The term is not in the grammar of this field.
        """
        base, slash, step = term.partition("/")
        if self is DAY and base in (LAST, LAST_WORKDAY):
            _natural(step if slash else "1")
            return {base}
        if self is WEEKDAY and ("#" in term or "L" in term):
            return {self._nth_weekday(term)}
        first, last = self._span(base)
        if slash and first == last:
            last = self.last
        return set(range(first, last + 1, _natural(step if slash else "1")))

    def allowed(self) -> str:
        """Return in one line what this field takes, for a message."""
        numbers = f"{self.first}-{self.last}"
        names = f", {self.names[0]}-{self.names[-1]}" if self.names else ""
        words = f", {self.words}" if self.words else ""
        return f"{numbers}{names}, *, ranges, lists, steps{words}"

    def hint(self, term: str) -> str:
        """Return what to write instead of a term that is refused, or ""."""
        if "?" in term:
            return "write * for ?"
        if self is DAY and re.fullmatch(r"\d+W", term):
            return "the weekday nearest to a date is not supported"
        if self is WEEKDAY and term.endswith("L"):
            return "the last Friday of a month is 5L"
        return self._range_hint(term)

    def _nth_weekday(self, term: str) -> tuple[int, int]:
        if "L" in term:
            return _digits(term.removesuffix("L"), self.first, self.last), LAST_OF_MONTH
        weekday, _, nth = term.partition("#")
        return self._number(weekday), _digits(nth, 1, _LARGEST_NTH)

    def _span(self, base: str) -> tuple[int, int]:
        if base == "*":
            return self.first, self.last
        start, dash, end = base.partition("-")
        first = self._number(start)
        last = self._number(end) if dash else first
        if last < first:
            raise ValueError(base)
        return first, last

    def _number(self, text: str) -> int:
        if text in self.names:
            # Months count from 1, weekdays from 0: names follow the field.
            return self.names.index(text) + self.first
        return _digits(text, self.first, self.last)

    def _range_hint(self, term: str) -> str:
        start, _, end = term.partition("-")
        try:
            first, last = self._number(start), self._number(end)
        except ValueError:
            return ""
        return f"a range runs upwards: write {first}-{self.last},{self.first}-{last}"


SECOND = Field("second", 0, 59)
MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day-of-month", 1, 31, words="L (last day), LW (last weekday)")
MONTH = Field("month", 1, 12, _MONTHS)
WEEKDAY = Field(
    "day-of-week", 0, 7, _WEEKDAYS, "5L (last Friday), FRI#2 (second Friday)"
)
FIELDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def _digits(text: str, first: int, last: int) -> int:
    # int() alone would also take signs, spaces, underscores and other scripts.
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    value = int(text)
    if not first <= value <= last:
        raise ValueError(text)
    return value


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ValueError(text)
    return int(text)
