from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from jtc.schedule import InvalidCronExpression, check_expression, expand_expression

NOW = datetime(2025, 1, 1, tzinfo=UTC)

DAYS = ["*", "*/2", "*/28", "*/30", "*/31", "*,30", "*/31,L", "*/31,LW", "29", "29-31"]
DAYS += ["30", "31", "30,31", "L", "LW", "L/2", "31,LW"]
MONTHS = ["*", "1", "2", "feb", "2,4", "4,6,9,11", "*/2"]
WEEKDAYS = ["*", "*/2", "*/6", "*/7", "*/100", "*,MON#2", "1", "7", "0L", "5L"]
WEEKDAYS += ["MON#1", "MON#5", "SAT#5", "SUN#5", "7#5", "MON,5L", "*/6,MON#5"]

# What makes up terms, near misses among it: other scripts, signs, half a step.
PIECES = [
    *("0", "1", "2", "5", "7", "8", "12", "13", "23", "24", "31", "32", "59", "60"),
    *("007", "100", "-1", "+1", "1_0", "\u0663", "\u00b2", "\u017fun", "\u00a0"),
    *("SUN", "mon", "Sat", "JAN", "feb", "DEC", "MONDAY", "L", "l", "LW", "5L", "W"),
    *("*", "/", "-", ",", "#", "?", "*/", "/2", "/0", "-5", "#2", "#5", "1-", "", " "),
]
MACROS = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly"]
MACROS += ["@annually", "@Daily"]


def accepts(expression: str) -> bool:
    try:
        check_expression(expression)
    except InvalidCronExpression:
        return False
    return True


def fires(expression: str) -> bool:
    """Whether cronsim takes an expression and finds a time within its 50 years."""
    try:
        next(CronSim(expression, NOW))
    except (CronSimError, StopIteration):
        return False
    return True


pieced_terms = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
numbers = st.integers(0, 61).map(str)
spans = st.builds("{}-{}".format, numbers, numbers)
steps = st.builds("{}/{}".format, st.one_of(st.just("*"), numbers, spans), numbers)
terms = st.one_of(st.just("*"), numbers, spans, steps, pieced_terms)
fields = st.lists(terms, min_size=1, max_size=3).map(",".join)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Mostly stars, so that what is drawn decides and not the number of fields."""
    parts = ["*"] * draw(st.sampled_from([4, 5, 5, 5, 5, 5, 6, 6, 7]))
    for _ in range(draw(st.integers(0, 2))):
        parts[draw(st.integers(0, len(parts) - 1))] = draw(fields)
    return " ".join(parts)


@pytest.mark.parametrize("month", MONTHS)
def test_dates_are_refused_exactly_when_they_never_come(month: str) -> None:
    for day, weekday in product(DAYS, WEEKDAYS):
        expression = f"0 0 {day} {month} {weekday}"

        assert accepts(expression) == fires(expression), expression


@settings(max_examples=600, deadline=None)
@given(expressions())
def test_an_expression_is_accepted_exactly_when_cronsim_fires(expression: str) -> None:
    assert accepts(expression) == fires(expression)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(range(6)), fields)
def test_a_field_is_accepted_exactly_when_cronsim_fires(place: int, field: str) -> None:
    parts = ["0", "0", "0", "*", "*", "*"]
    parts[place] = field
    expression = " ".join(parts)

    assert accepts(expression) == fires(expression)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="0123456789*/,-#?LWMONJAFEBSU\u00b2\u0663 ", max_size=24))
def test_any_text_is_accepted_exactly_when_cronsim_fires(text: str) -> None:
    assert accepts(text) == fires(text)


@settings(max_examples=200, deadline=None)
@given(expressions().filter(accepts))
def test_the_expanded_form_means_the_same_to_cronsim(expression: str) -> None:
    given_form = CronSim(expression, NOW)
    expanded = CronSim(expand_expression(expression), NOW)

    assert [next(expanded) for _ in range(3)] == [next(given_form) for _ in range(3)]


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_expands_to_what_cronsim_fires(macro: str) -> None:
    check_expression(macro)

    assert fires(expand_expression(macro))
