from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef

import pytest

from jtc.jobs import InvalidDeclaration, InvalidPayload, Job, NotAJob

if TYPE_CHECKING:
    from decimal import Decimal as NotImportedAtRunTime


@dataclasses.dataclass
class Address:
    street: str


@dataclasses.dataclass
class Person:
    name: str


class NotCarriable:
    pass


def define(namespace: dict[str, Any]) -> type[Job]:
    made: type[Job] = new_class("Send", (Job,), {}, lambda body: body.update(namespace))
    return made


def test_class_variables_and_private_names_are_no_payload() -> None:
    class Send(Job):
        order_id: int
        limit: ClassVar[int] = 3
        size: typing.ClassVar[int] = 4
        _cache: dict[str, str]

        async def handle(self) -> None: ...

    assert Send.__jtc__.payload.encode({"order_id": 1}) == {"order_id": 1}
    with pytest.raises(InvalidPayload, match=r"Send\.limit: no such field"):
        Send.__jtc__.payload.encode({"order_id": 1, "limit": 3})
    with pytest.raises(InvalidPayload, match=r"Send\._cache: no such field"):
        Send.__jtc__.payload.encode({"order_id": 1, "_cache": {}})


def test_a_class_variable_behind_an_alias_is_no_payload() -> None:
    class Send(Job):
        order_id: int
        limit: Constant[int] = 3  # type: ignore[valid-type]

        async def handle(self) -> None: ...

    assert dict(Send.__jtc__.payload.decode({"order_id": 1})) == {"order_id": 1}


Constant = ClassVar


def test_annotations_that_are_no_strings_are_understood() -> None:
    namespace = {
        "__annotations__": {
            "order_id": int,
            "limit": ClassVar[int],
            "note": "str",
            "kept": ForwardRef("ClassVar[int]"),
        },
        "__module__": __name__,
        "handle": lambda self: None,
    }
    send = define(namespace)

    assert send.__jtc__.payload.encode({"order_id": 1, "note": "x"})
    with pytest.raises(InvalidPayload, match=r"Send\.order_id: missing; .* be int$"):
        send.__jtc__.payload.encode({"note": "x"})


def test_fields_of_base_jobs_are_inherited() -> None:
    class Base(Job):
        order_id: int

    class Send(Base):
        copies: int = 1

        async def handle(self) -> None: ...

    assert dict(Send.__jtc__.payload.decode({"order_id": 7})) == {
        "order_id": 7,
        "copies": 1,
    }


def test_types_may_be_defined_after_the_class_and_inside_it() -> None:
    class Send(Job):
        line: DefinedLater
        color: Color

        class Color(enum.Enum):
            RED = "red"

        async def handle(self) -> None: ...

    got = dict(Send.__jtc__.payload.decode({"line": {"sku": "a"}, "color": "red"}))

    assert got == {"line": DefinedLater("a"), "color": Send.Color.RED}


@dataclasses.dataclass
class DefinedLater:
    sku: str


@pytest.mark.parametrize("name", ["handle", "failed", "dispatch", "dispatch_many"])
def test_a_field_may_not_hide_a_method_of_job(name: str) -> None:
    namespace = {"__annotations__": {name: "int"}, "__module__": __name__}

    with pytest.raises(InvalidDeclaration, match=rf"Send\.{name}: a payload field"):
        define(namespace)


def test_a_field_may_not_hide_a_method_or_property_of_its_class() -> None:
    with pytest.raises(TypeError, match=r"Send\.total: a payload field may not"):

        class Send(Job):
            total: int

            async def handle(self) -> None: ...

            def total(self) -> int:  # type: ignore[no-redef]
                return 1


def test_a_method_may_not_take_the_name_of_an_inherited_field() -> None:
    class Base(Job):
        total: int

    with pytest.raises(InvalidDeclaration, match=r"Send\.total"):

        class Send(Base):
            @property  # type: ignore[misc]
            def total(self) -> int:  # type: ignore[override]
                return 1


def test_a_dataclass_field_is_no_default() -> None:
    with pytest.raises(InvalidDeclaration, match=r"Send\.tags: write the default"):

        class Send(Job):
            tags: list[str] = dataclasses.field(default_factory=list)


def test_an_annotation_that_cannot_be_resolved_is_named_at_the_first_use() -> None:
    class Send(Job):
        price: NotImportedAtRunTime

        async def handle(self) -> None: ...

    with pytest.raises(
        InvalidDeclaration,
        match=r"Send\.price: cannot resolve its annotation 'NotImportedAtRunTime'",
    ) as caught:
        assert Send.__jtc__.payload
    assert __name__ in str(caught.value)


def test_an_annotation_of_a_vanished_module_is_named() -> None:
    namespace = {"__annotations__": {"at": "Decimal"}, "__module__": "vanished"}
    send = define(namespace)

    with pytest.raises(InvalidDeclaration, match=r"top level of vanished"):
        assert send.__jtc__.payload


def test_a_type_that_json_cannot_tell_apart_is_named() -> None:
    class Send(Job):
        target: Address | Person

        async def handle(self) -> None: ...

    with pytest.raises(InvalidDeclaration, match=r"Send\.target: its type cannot be"):
        assert Send.__jtc__.payload


def test_a_parameter_of_init_is_no_payload() -> None:
    class Send(Job):
        order_id: int
        mailer: NotCarriable

        def __init__(self, mailer: NotCarriable, *extra: Any, **more: Any) -> None: ...

        async def handle(self) -> None: ...

    assert Send.__jtc__.payload.encode({"order_id": 1}) == {"order_id": 1}
    with pytest.raises(InvalidPayload, match=r"Send\.mailer: is a parameter of __ini"):
        Send.__jtc__.payload.encode({"order_id": 1, "mailer": 1})


def test_slots_are_no_defaults() -> None:
    class Send(Job):
        __slots__ = ("order_id",)
        order_id: int

        async def handle(self) -> None: ...

    with pytest.raises(InvalidPayload, match=r"Send\.order_id: missing"):
        Send.__jtc__.payload.encode({})


def test_a_callable_class_variable_is_fine() -> None:
    class Send(Job):
        render: ClassVar[Callable[[str], str]] = str.upper
        order_id: int

        async def handle(self) -> None: ...

    assert Send.__jtc__.payload.encode({"order_id": 1}) == {"order_id": 1}


def test_a_class_without_handle_cannot_run() -> None:
    class Base(Job):
        order_id: int

    with pytest.raises(NotAJob, match=r"Base cannot run: it does not define handle"):
        Base.__jtc__.check_runnable()
