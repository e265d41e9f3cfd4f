from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from types import new_class
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import msgspec
import pytest

from jtc.jobs import (
    InvalidDeclaration,
    InvalidPayload,
    Job,
    JobHandle,
    set_container,
)
from jtc.queue import RedisQueue

WorkOff = Callable[[RedisQueue], Awaitable[None]]
T = TypeVar("T")
U = TypeVar("U")

SEEN: list[Any] = []


class Mailer:
    def send(self, text: Any) -> None:
        SEEN.append(text)


class Typed(Job):
    order_id: int
    note: str = "none"

    async def handle(self, mailer: Mailer) -> None:
        mailer.send((self.order_id, self.note))


class Documented(Job):
    order_id: int
    note: str = "none"

    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer

    async def handle(self) -> None:
        self.mailer.send((self.order_id, self.note))


class Free(Job):
    async def handle(self, mailer: Mailer) -> None:
        mailer.send((self.order_id, self.note))  # type: ignore[attr-defined]


class FreeDocumented(Job):
    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def handle(self) -> None:
        self._mailer.send((self.order_id, self.note))  # type: ignore[attr-defined]


class Tenant(Job):
    tenant: str
    limit: ClassVar[int] = 3
    _private: int = 1

    async def handle(self) -> None:
        SEEN.append(vars(self).keys() - {"context"})


class Report(Tenant):
    day: Annotated[dt.date, msgspec.Meta(title="which")]
    tenant: str = "none"
    follows: Later | None = None


class Later(msgspec.Struct):
    hours: int


class Import(Job, Generic[T, U]):
    first: T
    others: dict[str, list[U]] = {}  # noqa: RUF012 - copied for each job

    async def handle(self) -> None:
        SEEN.append((self.first, self.others))


class HalfImport(Import[dt.date, U]): ...


class FullImport(HalfImport[Later]): ...


@pytest.fixture(autouse=True)
def seen() -> list[Any]:
    SEEN.clear()
    return SEEN


@pytest.mark.parametrize("job_class", [Typed, Documented, Free, FreeDocumented])
async def test_a_payload_given_to_dispatch_reaches_handle_in_every_form(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any], job_class: type[Job]
) -> None:
    await job_class.dispatch(order_id=7, note="a")
    await job_class.configure(tries=2).dispatch(order_id=7, note="b")
    await job_class.dispatch_many([{"order_id": 7, "note": "c"}])
    await work_off(queue)
    await job_class.dispatch_sync(order_id=7, note="d")

    assert sorted(seen) == [(7, "a"), (7, "b"), (7, "c"), (7, "d")]


@pytest.mark.parametrize("job_class", [Typed, Free])
async def test_a_job_knows_its_payload(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any], job_class: Any
) -> None:
    handle = await job_class(order_id=7, note="a").dispatch()
    await job_class(order_id=7, note="b").dispatch(tags=["x"], tries=2)
    await job_class.dispatch_many([job_class(order_id=7, note="c")])
    await work_off(queue)
    await job_class(order_id=7, note="d").dispatch_sync()

    assert isinstance(handle, JobHandle)
    assert sorted(seen) == [(7, "a"), (7, "b"), (7, "c"), (7, "d")]


async def test_a_job_that_was_changed_is_checked_again_when_it_is_dispatched(
    queue: RedisQueue,
) -> None:
    job = Typed(order_id=7)
    job.order_id = "8"  # type: ignore[assignment]

    with pytest.raises(InvalidPayload, match=r"Typed\.order_id: expected int"):
        await job.dispatch()
    with pytest.raises(InvalidPayload, match=r"Typed\.order_id: expected int"):
        await Typed.dispatch_many([Typed(order_id=7), job])
    assert await queue.count("incomplete") == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"order_id": "7"}, "Typed.order_id: expected int, got str '7'"),
        ({}, "Typed.order_id: missing; it has to be int"),
        ({"order_id": 7, "emial": 1}, "Typed.emial: no such field"),
    ],
)
def test_a_job_is_checked_when_it_is_made(values: Any, message: str) -> None:
    with pytest.raises(InvalidPayload, match=message):
        Typed(**values)


def test_a_class_with_a_constructor_of_its_own_is_made_like_any_other() -> None:
    mailer = Mailer()

    assert Documented(mailer).mailer is mailer


async def test_fields_are_inherited_and_may_be_given_a_default(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any]
) -> None:
    await Report(day=dt.date(2026, 3, 1), follows=Later(2)).dispatch()
    await work_off(queue)

    assert seen == [{"day", "tenant", "follows"}]
    with pytest.raises(InvalidPayload, match=r"Tenant\.tenant: missing"):
        Tenant()  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["limit", "_private"])
def test_class_variables_and_private_names_are_no_payload(name: str) -> None:
    with pytest.raises(InvalidPayload, match=rf"Tenant\.{name}: no such field"):
        Tenant(tenant="x", **{name: 1})


async def test_type_variables_stand_for_what_a_subclass_puts_in(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any]
) -> None:
    day, later = dt.date(2026, 3, 1), Later(1)
    await FullImport(first=day, others={"a": [later]}).dispatch()
    await work_off(queue)

    assert seen == [(day, {"a": [later]})]


def test_what_does_not_fit_a_type_variable_is_refused() -> None:
    with pytest.raises(InvalidPayload) as caught:
        FullImport(first="x")  # type: ignore[arg-type]

    assert str(caught.value) == (
        "FullImport.first: expected datetime.date, got str 'x'"
    )


def test_a_type_variable_that_nothing_was_put_in_for_takes_any_json() -> None:
    form = Import.__jtc__.payload

    assert form.encode({"first": [1, None]}) == {"first": [1, None]}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
@pytest.mark.parametrize("future", ["from __future__ import annotations", ""])
def test_type_variables_in_brackets_are_understood(future: str) -> None:
    names: dict[str, Any] = {"__name__": __name__}
    text = """
from jtc.jobs import Job

class Base[T](Job):
    item: list[T]

    def handle(self): ...

class Numbers(Base[int]): ...
"""
    exec(compile(future + text, "<text>", "exec", dont_inherit=True), names)

    with pytest.raises(InvalidPayload, match=r"Numbers\.item\[0\]: expected int"):
        names["Numbers"](item=["x"])


@pytest.mark.parametrize("future", ["from __future__ import annotations", ""])
def test_annotations_are_understood_as_text_and_as_types(future: str) -> None:
    names: dict[str, Any] = {"__name__": __name__}
    text = """
import datetime as dt
from typing import ClassVar
from jtc.jobs import Job

class Send(Job):
    at: "dt.datetime | None"
    order_id: int = 1
    fee: ClassVar[int] = 2

    def handle(self): ...
"""
    exec(compile(future + text, "<text>", "exec", dont_inherit=True), names)

    assert vars(names["Send"](at=None)) == {"at": None, "order_id": 1}
    with pytest.raises(InvalidPayload, match=r"at: expected dt.datetime \| None,"):
        names["Send"](at="now")


def test_a_type_that_only_a_function_knows_is_refused_with_advice() -> None:
    class Local(msgspec.Struct): ...

    class Send(Job):
        local: Local

        async def handle(self) -> None: ...

    with pytest.raises(InvalidDeclaration, match=r"Send\.local: cannot resolve .*top"):
        Send(local=Local())


@pytest.mark.parametrize(
    "name", ["context", "dispatch", "dispatch_many", "configure", "handle", "failed"]
)
def test_a_field_may_not_hide_what_every_job_has(name: str) -> None:
    body = {"__annotations__": {name: int}, "__module__": __name__}

    def define() -> type[Job]:
        return new_class("Send", (Job,), {}, lambda made: made.update(body))

    with pytest.raises(InvalidDeclaration, match=rf"Send\.{name}: a payload field may"):
        define()
    with pytest.raises(InvalidPayload, match=rf"Free\.{name}: a payload may not"):
        Free(**{name: 1})


async def test_fields_may_have_the_names_of_options(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any]
) -> None:
    class Send(Job, queue=None, timeout=5, name="send"):
        queue: str
        timeout: int
        name: str
        delay: int
        tags: list[str]
        payload: int
        options: int

        async def handle(self) -> None:
            SEEN.append(self)

    job = Send(
        queue="q", timeout=1, name="n", delay=2, tags=["t"], payload=3, options=4
    )
    await job.dispatch(tags=["other"])
    await work_off(queue)

    assert seen == [job]


def test_jobs_are_equal_that_have_one_class_and_equal_payloads() -> None:
    assert Typed(order_id=7) == Typed(order_id=7, note="none")
    assert Typed(order_id=7) != Typed(order_id=8)
    assert Typed(order_id=7) != Free(order_id=7, note="none")
    assert Free(order_id=7) == Free(order_id=7)
    assert Typed(order_id=7) != {"order_id": 7, "note": "none"}
    assert len({Typed(order_id=7), Typed(order_id=7), Typed(order_id=8)}) == 2


def test_a_job_shows_its_class_and_its_payload() -> None:
    assert repr(Typed(order_id=7)) == "Typed(order_id=7, note='none')"
    assert repr(Free(lines=[1])) == "Free(lines=[1])"
    assert repr(Documented(Mailer())) == "Documented()"


async def test_a_job_that_runs_is_equal_to_the_one_that_was_dispatched(
    queue: RedisQueue, work_off: WorkOff, seen: list[Any]
) -> None:
    class Send(Job):
        order_id: int

        async def handle(self) -> None:
            SEEN.append(self)

    await Send(order_id=7).dispatch()
    await work_off(queue)

    assert seen == [Send(order_id=7)]
    assert repr(seen[0]) == "Send(order_id=7)"


async def test_a_service_may_not_be_given_as_payload() -> None:
    set_container(None)

    with pytest.raises(InvalidPayload, match=r"Documented\.mailer: is a parameter of"):
        await Documented.dispatch(order_id=7, mailer=1)
