from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jtc.jobs import Job


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Line:
    sku: str
    due: dt.date | None


class Point(msgspec.Struct):
    x: float
    tags: frozenset[str]


class Everything(Job):
    number: int
    ratio: float
    flag: bool
    text: str
    data: bytes
    instant: dt.datetime
    day: dt.date
    hour: dt.time
    span: dt.timedelta
    money: Decimal
    id: uuid.UUID
    color: Color
    level: Level
    line: Line
    point: Point
    maybe: int | None
    either: int | str | None
    lines: list[Line]
    by_id: dict[uuid.UUID, list[Decimal]]
    by_number: dict[int, Color]
    pair: tuple[int, str]
    many: set[int]

    async def handle(self) -> None: ...


class Free(Job):
    async def handle(self) -> None: ...


# JSON writes offsets in minutes; others are refused at dispatch (tested elsewhere).
zones: st.SearchStrategy[Any] = st.none() | st.integers(-1439, 1439).map(
    lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))
)
texts = st.text()
integers = st.integers(-(2**200), 2**200)
floats = st.floats(allow_nan=False, allow_infinity=False)
# Whole seconds up to ten years: what a payload means by a span of time.
spans = st.timedeltas(dt.timedelta(days=-3650), dt.timedelta(days=3650))
decimals = st.decimals(allow_nan=False, allow_infinity=False)
lines = st.builds(Line, sku=texts, due=st.none() | st.dates())

everything = st.fixed_dictionaries(
    {
        "number": integers,
        "ratio": floats,
        "flag": st.booleans(),
        "text": texts,
        "data": st.binary(),
        "instant": st.datetimes(
            min_value=dt.datetime(2, 1, 1),  # noqa: DTZ001 - the zone is drawn too
            max_value=dt.datetime(9998, 12, 31),  # noqa: DTZ001
            timezones=zones,
        ),
        "day": st.dates(),
        "hour": st.times(),
        "span": spans,
        "money": decimals,
        "id": st.uuids(),
        "color": st.sampled_from(Color),
        "level": st.sampled_from(Level),
        "line": lines,
        "point": st.builds(Point, x=floats, tags=st.frozensets(texts)),
        "maybe": st.none() | integers,
        "either": st.none() | integers | texts,
        "lines": st.lists(lines, max_size=3),
        "by_id": st.dictionaries(
            st.uuids(), st.lists(decimals, max_size=2), max_size=2
        ),
        "by_number": st.dictionaries(
            st.integers(-(2**63), 2**63 - 1), st.sampled_from(Color), max_size=3
        ),
        "pair": st.tuples(integers, texts),
        "many": st.sets(integers, max_size=3),
    }
)

plain = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(everything)
def test_declared_values_come_back_equal_and_of_the_same_type(
    values: dict[str, Any],
) -> None:
    form = Everything.__jtc__.payload

    sent = json.dumps(form.encode(values))
    got = dict(form.decode(json.loads(sent)))

    assert got == values
    assert {k: type(v) for k, v in got.items()} == {
        k: type(v) for k, v in values.items()
    }


@given(st.dictionaries(texts.map(lambda text: f"x{text}"), plain, max_size=4))
def test_any_json_comes_back_equal_where_nothing_is_declared(
    values: dict[str, Any],
) -> None:
    form = Free.__jtc__.payload

    sent = json.dumps(form.encode(values))

    assert dict(form.decode(json.loads(sent))) == values


@given(st.dictionaries(texts, plain | st.binary() | st.datetimes(), max_size=3))
def test_whatever_is_dispatched_is_accepted_unchanged_or_refused(
    values: dict[str, Any],
) -> None:
    form = Free.__jtc__.payload
    try:
        sent = form.encode(values)
    except ValueError:
        return

    assert json.loads(json.dumps(sent)) == values
