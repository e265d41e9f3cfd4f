from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtc.schedule import InvalidCronExpression, check_expression, expand_expression

ACCEPTED = [
    "* * * * *",
    "0 * * * *",
    "*/5 * * * *",
    "5/10 * * * *",
    "7-7/10 * * * *",
    "*/100 * * * *",
    "1,2,3-5,10-20/3,*/7 * * * *",
    "007 * * * *",
    "59 23 31 12 7",
    "0 0 1 1 0",
    "0 0 * jan-mar,DEC *",
    "0 0 * JAN/2 *",
    "0 0 * * mon-fri",
    "0 0 * * SUN-MON",
    "0 0 * * 6-7",
    "0 0 * * MON/2",
    "0 0 L * *",
    "0 0 LW * *",
    "0 0 L/2 * *",
    "0 0 1,15,L * *",
    "0 0 * * 5L",
    "0 0 * * 1,5L",
    "0 0 * * MON#2",
    "0 0 * * 7#05",
    "30 0 0 * * *",
    "*/10 * * * * *",
    "\t0  0 * * *\n",
]

FIRING = [
    "0 0 29 2 *",  # leap years
    "0 0 29 2 */100",  # leap years in which it is a Sunday
    "0 0 30 2 1",  # either field is enough
    "0 0 30 2 MON#5",
    "0 0 31 2 MON,*",  # no star in front
    "0 0 * 2 MON#5",
    "0 0 */2 2 MON#5",
    "0 0 */31 2 *",  # the 1st
    "0 0 30 1,2 *",
    "0 0 L 2 *",
    "0 0 LW,30 2 *",
    "0 0 */31,L * 5L",
    "0 0 */31,LW * MON#1",
    "0 0 */31,8 * MON#2",
    "0 0 */21 2 5L",  # the 22nd of 28
    "0 0 31 4/1 *",  # from April on
    "0 0 31 4-4/1 *",
]

NEVER_FIRING = [
    "0 0 30 2 *",
    "0 0 31 2 *",
    "0 0 30-31 2 *",
    "0 0 30/1 FEB *",
    "0 0 31 4,6,9,11 *",
    "0 0 31 4/5 *",
    "0 0 30 2 */2",
    "0 0 31 4 *,MON",
    "0 0 0 30 2 *",
    "0 0 */31 * MON#5",  # the 1st is never a fifth Monday
    "0 0 */31 * 5L",
    "0 0 */20 2 5L",  # the 21st is followed by another one
    "0 0 */31,7 * MON#2",
    "0 0 */30 2 MON#2",
    "0 0 LW * */100",  # the last working day is never a Sunday
    "0 0 LW * */6",
    "0 0 */31,LW * SAT#5",
]

REFUSED = [
    ("60 * * * *", "minute '60'", "0-59"),
    ("-1 * * * *", "minute '-1'", "0-59"),
    ("5,61 * * * *", "minute '61'", "0-59"),
    ("1,,2 * * * *", "minute ''", "lists"),
    ("1, * * * *", "minute ''", "lists"),
    ("*/0 * * * *", "minute '*/0'", "steps"),
    ("*/ * * * *", "minute '*/'", "steps"),
    ("*/x * * * *", "minute '*/X'", "steps"),
    ("*/²  * * * *", "minute '*/²'", "steps"),
    ("1/2/3 * * * *", "minute '1/2/3'", "steps"),
    ("*-5 * * * *", "minute '*-5'", "ranges"),
    ("1-2-3 * * * *", "minute '1-2-3'", "ranges"),
    ("+1 * * * *", "minute '+1'", "0-59"),
    ("1_0 * * * *", "minute '1_0'", "0-59"),
    ("\u0663 * * * *", "minute '\u0663'", "0-59"),
    ("MON * * * *", "minute 'MON'", "0-59"),
    ("L * * * *", "minute 'L'", "0-59"),
    (f"{'9' * 5000} * * * *", "minute '999", "0-59"),
    (f"*/{'9' * 5000} * * * *", "minute '*/999", "steps"),
    ("61 * * * * *", "second '61'", "0-59"),
    ("0 24 * * *", "hour '24'", "0-23"),
    ("0 22-2 * * *", "hour '22-2'", "write 22-23,0-2"),
    ("0 0 0 * *", "day-of-month '0'", "1-31"),
    ("0 0 32 * *", "day-of-month '32'", "1-31"),
    ("0 0 ? * *", "day-of-month '?'", "write * for ?"),
    ("0 0 15w * *", "day-of-month '15W'", "nearest to a date is not supported"),
    ("0 0 L-3 * *", "day-of-month 'L-3'", "LW (last weekday)"),
    ("0 0 1-L * *", "day-of-month '1-L'", "L (last day)"),
    ("0 0 L/0 * *", "day-of-month 'L/0'", "steps"),
    ("0 0 * 0 *", "month '0'", "1-12"),
    ("0 0 * 13 *", "month '13'", "JAN-DEC"),
    ("0 0 * january *", "month 'JANUARY'", "JAN-DEC"),
    ("0 0 * 11-feb *", "month '11-FEB'", "write 11-12,1-2"),
    ("0 0 * * 8", "day-of-week '8'", "0-7, SUN-SAT"),
    ("0 0 * * ?", "day-of-week '?'", "write * for ?"),
    ("0 0 * * L", "day-of-week 'L'", "5L"),
    ("0 0 * * friL", "day-of-week 'FRIL'", "5L"),
    ("0 0 * * 8L", "day-of-week '8L'", "5L"),
    ("0 0 * * 5L/2", "day-of-week '5L/2'", "5L"),
    ("0 0 * * 5-1", "day-of-week '5-1'", "write 5-7,0-1"),
    ("0 0 * * MON#6", "day-of-week 'MON#6'", "FRI#2"),
    ("0 0 * * MON#0", "day-of-week 'MON#0'", "FRI#2"),
    ("0 0 * * MON#", "day-of-week 'MON#'", "FRI#2"),
    ("0 0 * * #2", "day-of-week '#2'", "FRI#2"),
    ("0 0 * * 1-5#2", "day-of-week '1-5#2'", "FRI#2"),
    ("0 0 * * MON#2/2", "day-of-week 'MON#2/2'", "FRI#2"),
]


@pytest.mark.parametrize("expression", ACCEPTED + FIRING)
def test_a_well_formed_expression_that_can_fire_is_accepted(expression: str) -> None:
    check_expression(expression)


@pytest.mark.parametrize("expression", NEVER_FIRING)
def test_an_expression_that_can_never_fire_is_refused(expression: str) -> None:
    with pytest.raises(InvalidCronExpression, match="can never fire: day-of-month"):
        check_expression(expression)


@pytest.mark.parametrize(("expression", "value", "allowed"), REFUSED)
def test_a_refusal_names_expression_field_value_and_what_is_allowed(
    expression: str, value: str, allowed: str
) -> None:
    with pytest.raises(InvalidCronExpression) as caught:
        check_expression(expression)

    message = str(caught.value)
    assert message.startswith(f"Cron expression {expression!r}: {value}")
    assert "is not allowed; give " in message
    assert allowed in message
    assert caught.value.expression == expression


@pytest.mark.parametrize("expression", ["", "*", "60", "* * * *", "* * * * * * *"])
def test_another_number_of_fields_is_refused_naming_them_in_order(
    expression: str,
) -> None:
    with pytest.raises(InvalidCronExpression) as caught:
        check_expression(expression)

    count = len(expression.split())
    assert (
        f"has {count} fields; give 5 (minute hour day-of-month month day-of-week)"
        in (str(caught.value))
    )
    assert "6 (second in front" in str(caught.value)


@pytest.mark.parametrize(
    ("macro", "expanded"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        (" @Daily ", "0 0 * * *"),
    ],
)
def test_a_macro_stands_for_an_expression(macro: str, expanded: str) -> None:
    check_expression(macro)

    assert expand_expression(macro) == expanded


@pytest.mark.parametrize("macro", ["@", "@reboot", "@every 5m", "@daily 5"])
def test_an_unknown_macro_is_refused_listing_the_known_ones(macro: str) -> None:
    with pytest.raises(InvalidCronExpression, match=r"@hourly, @daily, .*@annually"):
        check_expression(macro)


@pytest.mark.parametrize("value", [None, 60, b"* * * * *", ["*"] * 5])
def test_what_is_not_a_string_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="give a string such as"):
        check_expression(value)  # type: ignore[arg-type]


def test_expanding_gives_upper_case_and_single_spaces() -> None:
    assert expand_expression(" 0  9\t* jan mon-fri ") == "0 9 * JAN MON-FRI"


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_expanding_twice_changes_nothing(text: str) -> None:
    try:
        once = expand_expression(text)
    except InvalidCronExpression:
        return

    assert expand_expression(once) == once


@given(st.text(alphabet="0123456789*/,-#?LWMON @\u0663\u00b2\n", max_size=20))
def test_whatever_is_given_is_accepted_or_refused_by_name(text: str) -> None:
    refusal = _refusal(text)

    assert refusal is None or repr(text) in refusal


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    day=st.integers(1, 31),
    month=st.integers(1, 12),
)
def test_a_date_is_accepted_exactly_when_it_exists_in_a_leap_year(
    minute: int, hour: int, day: int, month: int
) -> None:
    lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    expression = f"{minute} {hour} {day} {month} *"

    if day <= lengths[month - 1]:
        check_expression(expression)
    else:
        with pytest.raises(InvalidCronExpression, match="can never fire"):
            check_expression(expression)


def _refusal(expression: str) -> str | None:
    try:
        check_expression(expression)
    except InvalidCronExpression as error:
        return str(error)
    return None
