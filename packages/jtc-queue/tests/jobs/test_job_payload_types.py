from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pytest

from jtc.jobs import InvalidDeclaration, InvalidPayload, Job, PayloadOutdated

PARIS = ZoneInfo("Europe/Paris")
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
MakeClass = Callable[..., type[Job]]


class Plain(enum.Enum):
    LOW = enum.auto()
    HIGH = enum.auto()


class Mixed(enum.Enum):
    A = 1
    B = "b"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Color(enum.Enum):
    RED = "red"


class Opaque: ...


class Marked(str):
    """As templates mark what is safe."""

    __slots__ = ()


class Pair(NamedTuple):
    size: int
    thing: Opaque


@dataclasses.dataclass
class Box:
    level: Plain
    inner: Box | None = None


@dataclasses.dataclass
class Crate:
    content: dict[str, list[Opaque]]


@dataclasses.dataclass
class Other:
    name: str


class Loose(TypedDict):
    path: pathlib.Path


class Address(pydantic.BaseModel):
    street: str
    since: dt.date


class Customer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    name: str = pydantic.Field(alias="fullName")
    at: dt.datetime
    credit: Decimal = Decimal("1.10")
    address: Address | None = None
    level: Plain = Plain.LOW

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.name)


class GoldCustomer(Customer):
    number: int = 1


class Secret(pydantic.BaseModel):
    token: pydantic.SecretStr


@dataclasses.dataclass
class Order:
    customer: Customer
    others: list[Customer]


ADA = Customer(fullName="Ada", at=NOON, address=Address(street="x", since=NOON.date()))


@pytest.fixture
def make_class() -> MakeClass:
    """Define a job with one field, `value`."""

    def make(hint: Any, **attributes: Any) -> type[Job]:
        body = {"__annotations__": {"value": hint}, "handle": lambda self: None}
        return type("Carry", (Job,), body | attributes)

    return make


def carry(job_class: type[Job], value: Any) -> Any:
    """Return what a worker gets."""
    form = job_class.__jtc__.payload
    return dict(form.decode(json.loads(json.dumps(form.encode({"value": value})))))[
        "value"
    ]


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (Opaque, "Carry.value: its type cannot be carried as JSON: nobody knows how"),
        (list[Opaque | None], "Carry.value: .* read Opaque"),
        (Pair, r"Carry\.value\.thing: .* read Opaque; use a dataclass"),
        (Crate, r"Carry\.value\.content: .* read Opaque"),
        (dict[str, Loose], r"Carry\.value\.path: .* read Path"),
        (complex, "complex"),
        (collections.deque[int], "deque"),
        (msgspec.Raw, "use bytes"),
        (dict[tuple[int, int], str], "Carry.value: the keys of its dict cannot"),
        (dict[int | str, str], "the keys of its dict"),
        (dict[bool, str], "the keys of its dict"),
        (dict[str | None, str], "the keys of its dict"),
        (dict[Annotated[Address, msgspec.Meta(title="x")], str], "the keys of its"),
        (str | dt.datetime, "more than one str-like type"),
        (dt.date | dt.datetime, "more than one str-like type"),
        (list[int] | set[int], "more than one array-like"),
        (Box | Other, "more than one dataclass"),
        (Address | dict[str, int], "custom type may not contain any additional types"),
        (Mixed, "must contain either all str or all int"),
        (Literal[Color.RED], "Literal may only contain"),
    ],
    ids=repr,
)
def test_a_type_that_cannot_be_carried_exactly_is_refused_at_the_first_use(
    make_class: MakeClass, hint: Any, message: str
) -> None:
    job_class = make_class(hint)

    with pytest.raises(InvalidDeclaration, match=message):
        job_class(value=None)


@pytest.mark.parametrize(
    ("hint", "default"),
    [(int, None), (int, "7"), (list[int], ["x"]), (Any, (1, 2)), (Color, "blue")],
    ids=repr,
)
def test_a_default_of_another_type_is_refused(
    make_class: MakeClass, hint: Any, default: Any
) -> None:
    job_class = make_class(hint, value=default)

    with pytest.raises(InvalidDeclaration, match=r"Carry\.value.*its default does not"):
        job_class()


@pytest.mark.parametrize(
    ("hint", "default", "expected"), [(float, 1, 1.0), (Color, "red", Color.RED)]
)
def test_a_default_is_of_the_declared_type(
    make_class: MakeClass, hint: Any, default: Any, expected: Any
) -> None:
    form = make_class(hint, value=default).__jtc__.payload

    for got in (dict(form.check({})), dict(form.decode({}))):
        assert got["value"] is expected or repr(got["value"]) == repr(expected)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Plain, Plain.HIGH),
        (list[Plain | None], [Plain.LOW, None]),
        (dict[Plain, set[Plain]], {Plain.LOW: {Plain.HIGH}}),
        (Box, Box(Plain.LOW, Box(Plain.HIGH))),
        (Rights, Rights.READ | Rights.WRITE),
        (Customer, ADA),
        (Customer | None, ADA),
        (Customer | None, None),
        (list[Customer], [ADA, ADA]),
        (dict[str, Customer], {"a": ADA}),
        (tuple[Customer, ...], (ADA,)),
        (Order, Order(ADA, [ADA])),
        (Literal["a", 1] | None, 1),
        (dict[Literal["a", "b"], int], {"a": 1}),
        (Annotated[int, msgspec.Meta(ge=1)], 1),
        (dict[dt.date, int], {NOON.date(): 1}),
        (dict[float, int], {-0.5: 1}),
        (object, {"a": [1, None]}),
        (int, 2**200),
        (Decimal, Decimal("1E+5")),
        (Decimal, Decimal("-0.00")),
        (Decimal, Decimal("-Infinity")),
        (float, 5e-324),
        (str, "\x00\U0001f600"),
        (dt.timedelta, dt.timedelta.max),
        (dt.timedelta, dt.timedelta.min),
        (dt.datetime, dt.datetime.max.replace(tzinfo=dt.UTC)),
        (dt.time, dt.time(1, 2, 3, 4, tzinfo=dt.UTC)),
    ],
    ids=repr,
)
def test_a_value_comes_back_equal_and_of_the_same_type(
    make_class: MakeClass, hint: Any, value: Any
) -> None:
    got = carry(make_class(hint), value)

    assert got == value
    assert type(got) is type(value)
    # == does not tell 1.0 from 1, nor -0.0 from 0.0, nor one exponent from another.
    # pydantic has a class of its own for UTC.
    assert repr(got).replace("TzInfo(0)", repr(dt.UTC)) == repr(value)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Plain, 1, "Carry.value: expected .*Plain, got int 1"),
        (Plain, "LOW", "Carry.value: expected .*Plain, got str 'LOW'"),
        (list[Plain], [1], r"Carry.value: expected .*Plain\], got list \[1\]"),
        (list[Plain], [Opaque()], r"Carry.value\[0\]: expected int, got Opaque"),
        (Customer, {"name": "Ada"}, "Carry.value: expected .*Customer, got dict"),
        (Customer, GoldCustomer(fullName="A", at=NOON), "would come back"),
        (Customer, Customer.model_construct(name=7, at=NOON), "name.*valid string"),
        (Customer, Customer.model_construct(at=NOON), "in name, field required"),
        (
            Secret,
            Secret(token=pydantic.SecretStr("x")),
            "Carry.value: .* would come back",
        ),
        (Order, Order(ADA, [7]), r"Carry.value.others\[0\]: input should be an"),  # type: ignore[list-item]
        (Decimal, Decimal("NaN"), "Carry.value: .* would come back"),
        (Decimal, Decimal("sNaN"), "Carry.value: .* would come back"),
        (dt.time, dt.time(1, tzinfo=PARIS), "Carry.value: .* would come back"),
        (list[dt.time], [dt.time(1, tzinfo=PARIS)], "Carry.value: .* would come back"),
        (dict[str, str], {"\ud800": "x"}, "cannot be carried as JSON"),
        (bytes, "x", "expected bytes, got str 'x'"),
    ],
)
def test_a_value_that_cannot_be_carried_exactly_is_refused(
    make_class: MakeClass, hint: Any, value: Any, message: str
) -> None:
    with pytest.raises(InvalidPayload, match=message):
        make_class(hint).__jtc__.payload.encode({"value": value})


@pytest.mark.parametrize("hour", [dt.datetime(2026, 10, 25, 2, 30)])  # noqa: DTZ001
@pytest.mark.parametrize("fold", [0, 1])
def test_an_aware_datetime_keeps_its_instant_in_the_hour_that_autumn_repeats(
    make_class: MakeClass, hour: dt.datetime, fold: int
) -> None:
    sent = hour.replace(tzinfo=PARIS, fold=fold)

    got = carry(make_class(dt.datetime), sent)

    assert got.timestamp() == sent.timestamp()
    # Of the zone the offset is kept, not the name.
    assert got.tzinfo == dt.timezone(dt.timedelta(hours=2 - fold))


def test_text_that_a_library_has_marked_is_text(make_class: MakeClass) -> None:
    got = carry(make_class(list[str]), [Marked("x")])

    assert got == ["x"]
    assert type(got[0]) is str


@pytest.mark.parametrize("hint", [Any, list[Any], dict[str, Any]])
def test_values_are_nested_a_hundred_levels_deep_and_no_deeper(
    make_class: MakeClass, hint: Any
) -> None:
    def nest(levels: int) -> Any:
        value: Any = {} if hint == dict[str, Any] else []
        for _ in range(levels - 1):
            value = {"a": value} if hint == dict[str, Any] else [value]
        return value

    job_class = make_class(hint)

    assert carry(job_class, nest(100)) == nest(100)
    for levels in (101, 500, 5_000):
        with pytest.raises(InvalidPayload, match=r"Carry\.value: "):
            job_class.__jtc__.payload.encode({"value": nest(levels)})


def test_many_values_are_not_deep_ones(make_class: MakeClass) -> None:
    value: list[list[int]] = [[] for _ in range(500)]

    assert carry(make_class(list[list[int]]), value) == value


def test_a_model_that_no_longer_fits_says_which_field(make_class: MakeClass) -> None:
    form = make_class(list[Address]).__jtc__.payload

    with pytest.raises(PayloadOutdated) as caught:
        form.decode({"value": [{"street": "x", "since": "soon"}]})

    assert str(caught.value).startswith(
        "Carry.value[0]: the queue has {'since': 'soon', 'street': 'x'}: in since, "
    )


def test_pydantic_is_not_imported_for_those_who_do_not_use_it() -> None:
    program = """
import sys
from jtc.jobs import Job

class Send(Job):
    order_id: int
    def handle(self): ...

Send(order_id=7)
print("pydantic" in sys.modules)
"""

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


def test_sets_that_are_equal_complete_to_one_form(make_class: MakeClass) -> None:
    words = [f"word {number}" for number in range(20)]
    form = make_class(set[str]).__jtc__.payload

    first = form.complete(form.encode({"value": set(words)}))
    second = form.complete({"value": words[::-1]})

    assert first == second == {"value": sorted(words)}
