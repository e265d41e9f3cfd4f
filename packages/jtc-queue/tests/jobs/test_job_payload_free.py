from __future__ import annotations

import collections
import datetime as dt
import enum
import json
from decimal import Decimal
from typing import Any

import pytest

from jtc.jobs import InvalidPayload, Job


class Size(enum.StrEnum):
    SMALL = "small"


class Pair(collections.namedtuple("Pair", "a b")):  # noqa: PYI024 - the untyped kind
    pass


class ProcessOrderJob(Job):
    currency = "EUR"

    class Inner: ...

    def __init__(self, repository: object = None) -> None:
        self.repository = repository

    async def handle(self) -> None: ...

    def total(self) -> int:
        return 1

    @property
    def label(self) -> str:
        return "x"

    @staticmethod
    def make() -> None: ...

    @classmethod
    def build(cls) -> None: ...


payload = ProcessOrderJob.__jtc__.payload


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**80),
        1.5,
        -0.0,
        "",
        "naïve \N{SNOWMAN} \x00",
        [],
        {},
        {"a": [1, {"b": [None, False]}]},
    ],
)
def test_plain_json_is_accepted_and_comes_back(value: Any) -> None:
    data = payload.encode({"value": value})

    assert dict(payload.decode(json.loads(json.dumps(data)))) == {"value": value}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ((1, 2), "ProcessOrderJob.value: a tuple would come back as a list"),
        (Pair(1, 2), "a Pair would come back as a list: pass a list"),
        ({"a": [{1, 2}]}, "ProcessOrderJob.value['a'][0]: a value of type set would"),
        (dt.datetime(2026, 1, 1), "type datetime would not come back"),  # noqa: DTZ001
        (Decimal(1), "type Decimal would not come back"),
        (b"x", "type bytes would not come back"),
        (Size.SMALL, "small would not come back as an Enum: pass its value"),
        (collections.OrderedDict(a=1), "type OrderedDict would not come back"),
        ({1: 2}, "its key 1 is no string"),
        ({"\udc00": 2}, r"in its key '\udc00', '\udc00' holds half a surrogate"),
        ("\ud800", "holds half a surrogate pair"),
        (float("nan"), "nan has no form in JSON"),
        ([float("-inf")], "value[0]: -inf has no form in JSON"),
        pytest.param(10**5000, "more digits than readers accept", id="huge"),
        (object(), "declare the field with its type"),
    ],
)
def test_what_json_would_change_is_refused(value: Any, why: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        payload.encode({"value": value})

    assert why in str(caught.value)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(InvalidPayload, match="nested deeper than 100 levels"):
        payload.encode({"value": endless})


@pytest.mark.parametrize(
    "name",
    [
        "handle",
        "failed",
        "dispatch",
        "dispatch_many",
        "total",
        "label",
        "make",
        "build",
        "Inner",
    ],
)
def test_a_name_of_a_method_is_refused_at_dispatch_and_at_run(name: str) -> None:
    for check in (payload.encode, payload.decode):
        with pytest.raises(
            InvalidPayload, match=rf"ProcessOrderJob\.{name}: a payload may not overwr"
        ):
            check({name: 1})


@pytest.mark.parametrize("name", ["_private", "__class__", "__dict__", "_"])
def test_a_name_with_an_underscore_is_refused_at_dispatch_and_at_run(
    name: str,
) -> None:
    for check in (payload.encode, payload.decode):
        with pytest.raises(InvalidPayload, match="may not start with an underscore"):
            check({name: 1})


def test_an_injected_service_cannot_be_replaced() -> None:
    for check in (payload.encode, payload.decode):
        with pytest.raises(InvalidPayload, match="is a parameter of __init__"):
            check({"repository": 1})


def test_a_name_has_to_be_a_string() -> None:
    numbers: Any = {5: 1}

    with pytest.raises(InvalidPayload, match="has to be a string, not 5"):
        payload.encode(numbers)


@pytest.mark.parametrize("data", [None, [1], "x"])
def test_a_payload_that_is_no_object_is_refused_at_run(data: Any) -> None:
    with pytest.raises(InvalidPayload, match="has to be an object with names"):
        payload.decode(data)


def test_a_plain_class_attribute_is_a_default() -> None:
    assert payload.encode({"currency": "USD"}) == {"currency": "USD"}


def test_a_slot_is_no_method() -> None:
    class Slotted(Job):
        __slots__ = ("order_id",)

        async def handle(self) -> None: ...

    assert dict(Slotted.__jtc__.payload.decode({"order_id": 1})) == {"order_id": 1}
