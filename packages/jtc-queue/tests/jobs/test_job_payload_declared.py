from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest

from jtc.jobs import InvalidPayload, Job, PayloadOutdated


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    sku: str
    sizes: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(eq=False)
class Untold:
    """Compares by identity."""

    sizes: tuple[int, ...]
    names: dict[str, list[int]]


@dataclasses.dataclass(eq=False)
class Larger(Untold):
    more: int = 0


class Point(msgspec.Struct, eq=False):
    x: int


class Farther(Point):
    y: int = 0


class Opaque:
    pass


class SendInvoice(Job):
    order_id: int
    email: str = "nobody@example.org"
    at: dt.datetime | None = None
    price: float = 0.0
    color: Color = Color.RED
    lines: list[Line] = [Line("default", [1])]  # noqa: RUF012 - copied for each job
    anything: Any = None
    amount: Annotated[int, msgspec.Meta(ge=1)] = 1
    untold: Untold | None = None
    point: Point | None = None
    by_number: dict[int, str] = {}  # noqa: RUF012
    decimal: Decimal | None = None

    async def handle(self) -> None: ...


payload = SendInvoice.__jtc__.payload
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"order_id": "x"}, "SendInvoice.order_id: expected int, got str 'x'"),
        ({"order_id": "7"}, "SendInvoice.order_id: expected int, got str '7'"),
        ({"order_id": True}, "SendInvoice.order_id: expected int, got bool True"),
        ({"order_id": 1.0}, "SendInvoice.order_id: expected int, got float 1.0"),
        ({"order_id": None}, "SendInvoice.order_id: expected int, got None"),
        ({}, "SendInvoice.order_id: missing; it has to be int"),
        (
            {"order_id": 1, "emial": "x"},
            "SendInvoice.emial: no such field. Did you mean email? Declared: order_id",
        ),
        ({"order_id": 1, "zzz": 1}, "SendInvoice.zzz: no such field. Declared: ord"),
        (
            {"order_id": 1, "at": "2026-11-22T12:00Z"},
            "SendInvoice.at: expected dt.datetime | None, got str '2026-11-22T12:00Z'",
        ),
        (
            {"order_id": 1, "lines": [Line("a"), Line(5)]},  # type: ignore[arg-type]
            "SendInvoice.lines[1].sku: expected str, got int in [Line(",
        ),
        ({"order_id": 1, "price": float("nan")}, "price: nan has no form in JSON"),
        ({"order_id": 1, "price": float("inf")}, "price: inf has no form in JSON"),
        (
            {"order_id": 1, "color": "blue"},
            "color: invalid enum value 'blue' in 'blue'",
        ),
        ({"order_id": 1, "amount": 0}, "SendInvoice.amount: expected int >= 1 in 0"),
        pytest.param(
            {"order_id": 10**5000}, "order_id: <int> cannot be carried", id="huge"
        ),
        ({"order_id": 1, "email": "\ud800"}, "cannot be carried as JSON"),
        ({"order_id": 1, "anything": Opaque()}, "SendInvoice.anything: <"),
        (
            {"order_id": 1, "anything": NOON},
            "would come back from JSON as '2026-11-22T12:00:00Z': declare the exact",
        ),
        ({"order_id": 1, "anything": (1, 2)}, "anything: (1, 2) would come back"),
        ({"order_id": 1, "anything": [{1: 2}]}, "anything: [{1: 2}] would come back"),
        ({"order_id": 1, "anything": [float("nan")]}, "anything: [nan] would come"),
        (
            {"order_id": 1, "point": Farther(x=1, y=2)},
            "SendInvoice.point: expected Point | None, got Farther Farther(x=1, y=2)",
        ),
        (
            {"order_id": 1, "untold": Larger((1,), {})},
            "SendInvoice.untold: expected Untold | None, got Larger Larger(",
        ),
        (
            {"order_id": 1, "at": NOON.astimezone(dt.timezone(dt.timedelta(0, 1172)))},
            "would come back from JSON as",
        ),
        (
            {"order_id": 1, "by_number": {"1": "a"}},
            "SendInvoice.by_number: a key: expected int, got str in {'1': 'a'}",
        ),
        ({"order_id": 1, 5: 1}, "SendInvoice.5: no such field"),
    ],
)
def test_a_payload_that_is_not_as_declared_is_refused_at_dispatch(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidPayload) as caught:
        payload.encode(values)

    assert message in str(caught.value)


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_the_error_is_one_that_callers_already_catch(error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        payload.encode({"order_id": "x"})

    assert isinstance(caught.value, InvalidPayload)
    assert caught.value.field == "order_id"


def test_a_deeply_nested_value_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(InvalidPayload, match=r"SendInvoice\.anything: \[\[.*JSON"):
        payload.encode({"order_id": 1, "anything": endless})


def test_only_what_was_given_is_sent() -> None:
    assert payload.encode({"order_id": 1}) == {"order_id": 1}


def test_what_is_sent_is_plain_json() -> None:
    data = payload.encode(
        {
            "order_id": 2**80,
            "at": NOON,
            "price": 1,
            "color": Color.RED,
            "lines": [Line("a", [1])],
            "by_number": {1: "a"},
            "decimal": Decimal("1.10"),
        }
    )

    assert json.loads(json.dumps(data)) == data
    assert data == {
        "order_id": 2**80,
        "at": "2026-11-22T12:00:00Z",
        "price": 1.0,
        "color": "red",
        "lines": [{"sku": "a", "sizes": [1]}],
        "by_number": {"1": "a"},
        "decimal": "1.10",
    }


def test_values_that_compare_by_identity_are_compared_by_content() -> None:
    given = {
        "order_id": 1,
        "untold": Untold((1, 2), {"a": [1]}),
        "point": Point(x=1),
        "anything": {"a": [1, None]},
    }

    got = dict(payload.decode(payload.encode(given)))

    assert got["untold"].sizes == (1, 2)
    assert got["untold"].names == {"a": [1]}
    assert got["point"].x == 1
    assert got["anything"] == {"a": [1, None]}


def test_values_of_the_declared_types_come_out() -> None:
    got = dict(
        payload.decode(
            {"order_id": 1, "at": "2026-11-22T12:00:00Z", "lines": [{"sku": "a"}]}
        )
    )

    assert got["at"] == NOON
    assert got["lines"] == [Line("a", [])]
    assert got["color"] is Color.RED
    assert got["email"] == "nobody@example.org"


def test_a_mutable_default_is_copied_for_each_job() -> None:
    first = dict(payload.decode({"order_id": 1}))
    first["lines"][0].sizes.append(2)
    first["by_number"][1] = "a"

    second = dict(payload.decode({"order_id": 1}))

    assert second["lines"] == [Line("default", [1])]
    assert second["by_number"] == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "SendInvoice.order_id: the queue has no value, it has to be int. The"),
        (
            {"order_id": "7"},
            "SendInvoice.order_id: the queue has '7', it has to be int",
        ),
        ({"order_id": None}, "SendInvoice.order_id: the queue has None, it has to be"),
        (
            {"order_id": 1, "handle": 1},
            "SendInvoice.handle: the queue has 1, the class has no field of that name",
        ),
        ({"order_id": 1, "_x": 1}, "SendInvoice._x: the queue has 1, the class has no"),
        (
            {"order_id": 1, "at": "soon"},
            "SendInvoice.at: the queue has 'soon': invalid RFC3339 encoded datetime",
        ),
        (
            {"order_id": 1, "lines": [{"sku": "a"}, {"sku": "b", "sizes": [1, "x"]}]},
            "SendInvoice.lines[1].sizes[1]: the queue has 'x': expected int, got str",
        ),
        (
            {"order_id": 1, "lines": [{"sizes": []}]},
            "SendInvoice.lines[0]: the queue has {'sizes': []}: object missing",
        ),
        (
            {"order_id": 1, "by_number": {"x": "a"}},
            "SendInvoice.by_number: the queue has {'x': 'a'}: of a key: expected int",
        ),
        (
            {"order_id": 1, "untold": {"sizes": [], "names": {"a": ["x"]}}},
            "SendInvoice.untold.names[...][0]: the queue has {'a': ['x']}: expected",
        ),
        ([1], "SendInvoice: the payload has to be an object with fields, it is [1]"),
        ("x", "SendInvoice: the payload has to be an object with fields, it is 'x'"),
    ],
)
def test_a_payload_that_is_not_as_declared_is_refused_at_run(
    data: Any, message: str
) -> None:
    with pytest.raises(PayloadOutdated) as caught:
        payload.decode(data)

    assert message in str(caught.value)


def test_fields_may_be_called_like_options() -> None:
    class Send(Job):
        queue: str
        timeout: int
        name: str
        options: dict[str, int]
        cls: int
        self: int

        async def handle(self) -> None: ...

    values = {
        "queue": "q",
        "timeout": 1,
        "name": "n",
        "options": {"a": 1},
        "cls": 1,
        "self": 2,
    }

    assert dict(Send.__jtc__.payload.decode(values)) == values


def test_uuids_and_bytes_have_a_form_in_json() -> None:
    class Send(Job):
        id: uuid.UUID
        data: bytes

        async def handle(self) -> None: ...

    values = {"id": uuid.UUID(int=7), "data": b"\x00\xff"}
    form = Send.__jtc__.payload

    assert form.encode(values)["data"] == "AP8="
    assert dict(form.decode(form.encode(values))) == values
