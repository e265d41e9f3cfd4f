from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import new_class
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jtc.jobs import InvalidPayload, Job
from jtc.jobs.dispatch_options import NO_OPTIONS
from jtc.jobs.enclosing import enclose
from jtc.queue import codec
from jtc.queue.document import document_of


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2


class Word(enum.StrEnum):
    YES = "yes"
    NO = "no"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Line:
    sku: str
    price: Decimal
    level: Level
    due: dt.date | None = None
    inner: Line | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    day: dt.date
    ids: tuple[uuid.UUID, ...]


class Point(msgspec.Struct):
    x: float
    tags: frozenset[str]


class Circle(msgspec.Struct, tag="circle", rename="camel"):
    the_radius: float


class Square(msgspec.Struct, tag="square"):
    side: float


class Listed(msgspec.Struct, array_like=True):
    side: float


class Pair(NamedTuple):
    number: int
    at: dt.datetime | None = None


class Loose(TypedDict, total=False):
    data: bytes
    color: Color


class Inner(pydantic.BaseModel):
    span: dt.timedelta
    many: set[int]


class Model(pydantic.BaseModel):
    number: int = pydantic.Field(alias="theNumber")
    price: Decimal
    at: dt.datetime
    id: uuid.UUID
    word: Word
    level: Level
    inner: list[Inner]
    line: Frozen | None = None


ZONES = [ZoneInfo("Europe/Paris"), ZoneInfo("America/New_York"), ZoneInfo("UTC"), None]
texts = st.text(max_size=20)
integers = st.integers(-(2**200), 2**200)
short = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False)
dates = st.dates()
offsets: st.SearchStrategy[Any] = st.integers(-1439, 1439).map(
    lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))
)
# Before 1950 the clocks of some zones were off by seconds, which are refused.
moments = st.datetimes(
    min_value=dt.datetime(1950, 1, 1),  # noqa: DTZ001 - the zone is drawn too
    max_value=dt.datetime(9990, 1, 1),  # noqa: DTZ001
    timezones=st.none() | offsets | st.sampled_from(ZONES),
)
times = st.times(timezones=st.none() | offsets)
lines = st.builds(
    Line,
    sku=texts,
    price=decimals,
    level=st.sampled_from(Level),
    due=st.none() | dates,
    inner=st.none(),
)
frozen = st.builds(Frozen, day=dates, ids=st.lists(st.uuids(), max_size=2).map(tuple))
models = st.builds(
    Model,
    theNumber=integers,
    price=decimals.filter(Decimal.is_finite),
    at=moments,
    id=st.uuids(),
    word=st.sampled_from(Word),
    level=st.sampled_from(Level),
    inner=st.lists(
        st.builds(
            Inner,
            span=st.timedeltas(dt.timedelta(days=-9), dt.timedelta(days=9)),
            many=st.sets(short, max_size=3),
        ),
        max_size=2,
    ),
    line=st.none() | frozen,
)
plain = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=6,
)


def many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=3)


TYPES: Mapping[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, integers),
    "float": (float, floats),
    "bool": (bool, st.booleans()),
    "str": (str, texts),
    "bytes": (bytes, st.binary()),
    "bytearray": (bytearray, st.binary().map(bytearray)),
    "datetime": (dt.datetime, moments),
    "date": (dt.date, dates),
    "time": (dt.time, times),
    "timedelta": (dt.timedelta, st.timedeltas()),
    "Decimal": (Decimal, decimals),
    "UUID": (uuid.UUID, st.uuids()),
    "Enum of str": (Color, st.sampled_from(Color)),
    "Enum of int": (Level, st.sampled_from(Level)),
    "IntEnum": (Rank, st.sampled_from(Rank)),
    "StrEnum": (Word, st.sampled_from(Word)),
    "Flag": (Rights, st.integers(0, 3).map(Rights)),
    "dataclass": (Line, lines),
    "dataclass in itself": (Line, st.builds(dataclasses.replace, lines, inner=lines)),
    "frozen dataclass": (Frozen, frozen),
    "Struct": (Point, st.builds(Point, x=floats, tags=st.frozensets(texts))),
    "tagged Structs": (
        Circle | Square,
        st.builds(Circle, the_radius=floats) | st.builds(Square, side=floats),
    ),
    "Struct as a list": (Listed, st.builds(Listed, side=floats)),
    "NamedTuple": (Pair, st.builds(Pair, integers, st.none() | moments)),
    "TypedDict": (
        Loose,
        st.fixed_dictionaries(
            {}, optional={"data": st.binary(), "color": st.sampled_from(Color)}
        ),
    ),
    "pydantic model": (Model, models),
    "pydantic models": (
        dict[str, list[Model | None]],
        st.dictionaries(texts, many(st.none() | models), max_size=2),
    ),
    "Literal": (Literal["a", 1], st.sampled_from(["a", 1])),
    "Annotated": (Annotated[int, msgspec.Meta(ge=1)], st.integers(1, 2**70)),
    "Optional": (dt.date | None, st.none() | dates),
    "union": (int | str | list[int] | None, st.none() | integers | texts | many(short)),
    "union of numbers": (int | float, integers | floats),
    "union with Decimal": (Decimal | int, decimals | integers),
    "list": (list[dt.time], many(times)),
    "set": (set[uuid.UUID], st.sets(st.uuids(), max_size=3)),
    "frozenset": (frozenset[Color], st.frozensets(st.sampled_from(Color))),
    "tuple": (tuple[int, dt.date], st.tuples(integers, dates)),
    "long tuple": (tuple[Level, ...], many(st.sampled_from(Level)).map(tuple)),
    "Sequence": (Sequence[Decimal], many(decimals)),
    "dict by str": (dict[str, bytes], st.dictionaries(texts, st.binary(), max_size=3)),
    "dict by int": (dict[int, Line], st.dictionaries(integers, lines, max_size=2)),
    "dict by float": (dict[float, int], st.dictionaries(floats, short, max_size=3)),
    "dict by date": (dict[dt.date, str], st.dictionaries(dates, texts, max_size=3)),
    "dict by UUID": (
        dict[uuid.UUID, list[Decimal]],
        st.dictionaries(st.uuids(), many(decimals), max_size=2),
    ),
    "dict by Enum": (
        dict[Level, set[Level]],
        st.dictionaries(
            st.sampled_from(Level), st.sets(st.sampled_from(Level)), max_size=2
        ),
    ),
    "dict by Decimal": (
        dict[Decimal, int],
        st.dictionaries(st.decimals(-9, 9, places=2), short, max_size=3),
    ),
    "Any": (Any, plain),
}
everything = st.one_of([values for _, values in TYPES.values()])


def define(hint: Any) -> type[Job]:
    body = {"__annotations__": {"value": hint}, "handle": lambda self: None}
    made: type[Job] = new_class("Carry", (Job,), {}, lambda made: made.update(body))
    return made


JOBS = {name: define(hint) for name, (hint, _) in TYPES.items()}


def travel(job_class: type[Job], value: Any) -> Any:
    """Return what a worker gets: from the job's document, as it lies in the queue."""
    job = enclose(job_class.__jtc__, {"value": value}, NO_OPTIONS)
    kwargs = codec.decode(codec.encode(document_of(job), strict=True))["kwargs"]
    return dict(job_class.__jtc__.payload.decode(kwargs["payload"]))["value"]


def shape(value: Any) -> Any:
    """Return what `==` does not compare: types, signs, exponents, inside and out."""
    return type(value), _content(value)


def _content(value: Any) -> Any:  # noqa: PLR0911 - one for each kind
    match value:
        case dt.datetime():
            # The offset of a zone is kept, its name is not.
            return value.replace(tzinfo=None, fold=0), value.utcoffset()
        case float():
            return math.copysign(1, value), value
        case Decimal():
            return value.as_tuple()
        case dict():
            return [(shape(key), shape(one)) for key, one in value.items()]
        case set() | frozenset():
            return {(type(one), one) for one in value}
        case list() | tuple():
            return [shape(one) for one in value]
        case _ if names := getattr(type(value), "__annotations__", None):
            return [shape(getattr(value, name)) for name in names]
        case _:
            return value


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@settings(max_examples=30)
def test_a_value_of_each_type_comes_back_as_it_was(name: str, data: Any) -> None:
    value = data.draw(TYPES[name][1])

    got = travel(JOBS[name], value)

    assert shape(got) == shape(value)


@given(name=st.sampled_from(list(TYPES)), value=everything)
@settings(max_examples=300)
@example(name="Decimal", value=Decimal("sNaN"))
@example(name="float", value=math.nan)
@example(name="Any", value={"a": [math.inf]})
@example(name="Any", value="\ud800")
def test_any_value_is_refused_or_arrives_as_the_job_has_it(
    name: str, value: Any
) -> None:
    form = JOBS[name].__jtc__.payload
    try:
        form.encode({"value": value})
    except InvalidPayload:
        return

    kept = dict(form.check({"value": value}))["value"]
    got = travel(JOBS[name], value)

    assert got == kept
    # A StrEnum is a text, and an IntEnum a number, where the field says no more.
    assert isinstance(value, Word | Rank) or shape(got) == shape(kept)
