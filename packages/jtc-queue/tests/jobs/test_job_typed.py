"""The form that type checkers see through, and what one dispatch may say."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jtc.jobs import (
    DispatchOptions,
    InjectionFailed,
    InvalidDeclaration,
    InvalidOption,
    InvalidPayload,
    Job,
    NotAJob,
    NotRunning,
    Unique,
    default_container,
    set_container,
)
from jtc.queue import RedisQueue

WorkOff = Callable[[RedisQueue], Awaitable[None]]


class Mailer:
    def send(self, text: str) -> str:
        return f"sent {text}"


class SendInvoice(Job, tags=("billing",)):
    order_id: int
    note: str = "thanks"

    async def handle(self, mailer: Mailer) -> str:
        return mailer.send(f"{self.order_id} {self.note}")


class InAThread(Job):
    order_id: int

    def handle(self, mailer: Mailer, *, loud: bool = False) -> str:
        return mailer.send(f"{self.order_id} {loud}")


class Both(Job):
    order_id: int

    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer

    async def handle(self, other: Mailer) -> bool:
        return self.mailer is not other


class Stubborn(Job):
    order_id: int

    async def handle(self, service: int) -> None: ...


# -- making a job ----------------------------------------------------------------------


def test_a_job_is_made_of_its_payload() -> None:
    job = SendInvoice(order_id=7)
    assert (job.order_id, job.note) == (7, "thanks")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"order_id": "7"}, "SendInvoice.order_id: expected int"),
        ({}, "SendInvoice.order_id: missing"),
        ({"order_id": 7, "nte": "x"}, "Did you mean note"),
    ],
)
def test_a_job_is_not_made_of_anything_else(values: Any, words: str) -> None:
    with pytest.raises(InvalidPayload, match=words):
        SendInvoice(**values)


def test_a_job_that_nobody_runs_has_no_context() -> None:
    with pytest.raises(NotRunning, match=r"SendInvoice\.context"):
        _ = SendInvoice(order_id=7).context
    assert not hasattr(SendInvoice(order_id=7), "context")


# -- services --------------------------------------------------------------------------


@pytest.mark.parametrize("job_class", [SendInvoice, InAThread])
async def test_handle_gets_the_services_that_it_asks_for(
    queue: RedisQueue, work_off: WorkOff, job_class: Any
) -> None:
    handle = await job_class(order_id=7).dispatch()
    await work_off(queue)
    assert (await handle.result()).startswith("sent 7")


async def test_both_doors_lead_to_the_container(
    queue: RedisQueue, work_off: WorkOff
) -> None:
    handle = await Both.dispatch(order_id=7)
    await work_off(queue)
    assert await handle.result() is True


async def test_a_job_with_services_of_its_own_is_dispatched_by_its_attributes(
    queue: RedisQueue,
) -> None:
    job = Both(Mailer())
    job.order_id = 7
    handle = await job.dispatch()
    queued = await queue.job(handle.id)
    assert queued is not None
    assert (queued.kwargs or {})["payload"] == {"order_id": 7}


async def test_a_service_that_cannot_be_made_is_named() -> None:
    set_container(default_container())
    with pytest.raises(InjectionFailed, match="service: int of handle"):
        await Stubborn.dispatch_sync(order_id=7)


def test_parameters_of_handle_that_cannot_be_injected_are_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="'order_id' is a payload field"):

        class Doubled(Job):
            order_id: int

            async def handle(self, order_id: int) -> None: ...

    with pytest.raises(InvalidDeclaration, match="'mailer' has no type"):

        class Untyped(Job):
            async def handle(self, mailer) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(InvalidDeclaration, match="'mailer' cannot be given by name"):

        class Positional(Job):
            async def handle(self, mailer: Mailer, /) -> None: ...


# -- one dispatch ----------------------------------------------------------------------


async def test_a_dispatch_says_what_its_class_does_not(queue: RedisQueue) -> None:
    before = time.time()
    handle = await SendInvoice.configure(
        delay=timedelta(minutes=1), tries=4, timeout=9.5, tags=["vip", "billing"]
    ).dispatch(order_id=7)
    job = await queue.job(handle.id)
    assert job is not None
    assert (job.retries, job.timeout) == (4, 10)
    assert job.meta["tags"] == ["billing", "vip"]
    assert before + 59 < job.scheduled < before + 120
    assert await queue.count("queued") == 0


async def test_a_job_says_it_too(queue: RedisQueue) -> None:
    at = datetime(2100, 1, 1, tzinfo=UTC)
    handle = await SendInvoice(order_id=7).dispatch(at=at, tries=2)
    job = await queue.job(handle.id)
    assert job is not None
    assert (job.scheduled, job.retries) == (at.timestamp(), 2)


async def test_a_job_that_is_configured_keeps_its_payload(queue: RedisQueue) -> None:
    configured = SendInvoice(order_id=7, note="hi").configure(tries=2)
    handle = await configured.configure(timeout=9).dispatch(tags=["vip"])
    job = await queue.job(handle.id)
    assert job is not None
    assert (job.retries, job.timeout) == (2, 9)
    assert (job.kwargs or {})["payload"] == {"order_id": 7, "note": "hi"}
    with pytest.raises(InvalidOption, match="dely"):
        SendInvoice(order_id=7).configure(dely=3)  # type: ignore[call-arg]


async def test_a_job_of_another_class_is_refused_as_what_it_is(
    queue: RedisQueue,
) -> None:
    with pytest.raises(InvalidPayload, match=r"InAThread\(order_id=1\)"):
        await SendInvoice.dispatch_many([InAThread(order_id=1)])  # type: ignore[list-item]


def test_a_field_may_not_hide_a_method_behind_a_default() -> None:
    with pytest.raises(InvalidDeclaration, match="failed"):

        class Hides(Job):
            failed: bool = False  # type: ignore[assignment]

            async def handle(self) -> None: ...


async def test_a_failure_names_the_class_and_begins_at_its_lines(
    queue: RedisQueue, work_off: WorkOff, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaks(Job, name="breaks"):
        async def handle(self) -> None:
            message = "no"
            raise LookupError(message)

    handle = await Breaks().dispatch()
    await work_off(queue)
    assert f"Job {handle.id} (breaks) failed" in caplog.text
    job = await queue.job(handle.id)
    assert job is not None
    assert (job.error or "").count('  File "') == 1


async def test_a_dispatch_names_another_queue(queue: RedisQueue) -> None:
    handle = await SendInvoice(order_id=7).dispatch(queue="elsewhere-of-this-test")
    assert handle.queue_name == "elsewhere-of-this-test"
    assert await handle.cancel()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dely": 3}, "one of delay, at, queue"),
        ({"delay": -1}, "delay=-1; it has to be a timedelta or a number"),
        ({"delay": float("nan")}, "delay=nan"),
        ({"at": datetime(2100, 1, 1)}, "an aware datetime"),  # noqa: DTZ001
        ({"at": datetime(2100, 1, 1, tzinfo=UTC), "delay": 1}, "given without delay"),
        ({"tries": 0}, "tries=0"),
        ({"queue": "a b"}, "queue='a b'"),
        ({"unique_key": ""}, "unique_key=''"),
        ({"tags": ["x"] * 21}, "at most 20 words"),
        ({"tags": "word"}, "a list of at most"),
    ],
)
def test_options_of_no_use_are_refused(options: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        SendInvoice.configure(**options)


def test_what_is_due_is_due_at_a_whole_second_and_never_early() -> None:
    assert DispatchOptions().due(100.5) == 0
    assert DispatchOptions(delay=0).due(100.5) == 0
    assert DispatchOptions(delay=0.2).due(100.5) == 101
    at = datetime.fromtimestamp(1_800_000_000.25, UTC)
    assert DispatchOptions(at=at).due(100.5) == 1_800_000_001


async def test_jobs_and_payloads_are_dispatched_together(queue: RedisQueue) -> None:
    handles = await SendInvoice.dispatch_many(
        [SendInvoice(order_id=1), {"order_id": 2, "note": "x"}]
    )
    found = await queue.jobs([handle.id for handle in handles])
    payloads = [((job and job.kwargs) or {}).get("payload") for job in found]
    assert payloads == [
        {"order_id": 1, "note": "thanks"},
        {"order_id": 2, "note": "x"},
    ]


async def test_a_condition_decides_whether_a_job_is_dispatched(
    queue: RedisQueue,
) -> None:
    assert await SendInvoice(order_id=1).dispatch_if([]) is None
    assert await SendInvoice.dispatch_if(0, order_id=2) is None
    assert await queue.count("queued") == 0
    assert await SendInvoice(order_id=3).dispatch_if([1]) is not None
    assert await SendInvoice.dispatch_if(1, order_id=4) is not None
    assert await queue.count("queued") == 2


async def test_a_payload_of_no_use_is_refused_whatever_the_condition() -> None:
    with pytest.raises(InvalidPayload):
        await SendInvoice.dispatch_if(False, order_id="2")


async def test_a_class_without_handle_cannot_be_dispatched() -> None:
    class Base(Job):
        order_id: int

    for refused in (Base.dispatch(order_id=1), Base.dispatch_sync(order_id=1)):
        with pytest.raises(NotAJob):
            await refused


# -- here and now ----------------------------------------------------------------------


async def test_a_job_runs_here_and_now_with_its_services() -> None:
    set_container(default_container())
    assert await SendInvoice.dispatch_sync(order_id=7) == "sent 7 thanks"
    assert await SendInvoice(order_id=8).dispatch_sync() == "sent 8 thanks"


async def test_a_job_that_runs_here_fails_here() -> None:
    told: list[Exception] = []

    class Fails(Job, tries=5):
        async def handle(self) -> None:
            assert (self.context.id, self.context.attempt) == (None, 1)
            message = "no"
            raise LookupError(message)

        async def failed(self, exception: Exception) -> None:
            told.append(exception)

    with pytest.raises(LookupError, match="no"):
        await Fails.dispatch_sync()
    assert [str(error) for error in told] == ["no"]


# -- unique keys -----------------------------------------------------------------------


def test_equal_values_have_one_key() -> None:
    unique = Unique(by=("order_id",))
    assert unique.key_for("a", {"order_id": 1, "note": "x"}) == unique.key_for(
        "a", {"note": "y", "order_id": 1}
    )
    assert unique.key_for("a", {"order_id": 1}) != unique.key_for("b", {"order_id": 1})
    assert unique.key_for("a", {"order_id": 1}) != unique.key_for("a", {"order_id": 2})
    assert Unique().key_for("a", {"x": 1, "y": 2}) == Unique().key_for(
        "a", {"y": 2, "x": 1}
    )


@pytest.mark.parametrize(
    "options", [{"by": "order_id"}, {"until": "end"}, {"ttl": 0}, {"ttl": 1.5}]
)
def test_a_unique_of_no_use_is_refused(options: Any) -> None:
    with pytest.raises(InvalidOption):
        Unique(**options)


def test_unique_names_fields_of_the_payload() -> None:
    with pytest.raises(InvalidOption, match="orderid"):

        class Misspelled(Job, unique=Unique(by=("orderid",))):
            order_id: int

            async def handle(self) -> None: ...


async def test_a_payload_that_declares_nothing_has_to_hold_what_is_compared(
    queue: RedisQueue,
) -> None:
    class Free(Job, unique=Unique(by=("order_id",))):
        async def handle(self) -> None: ...

    with pytest.raises(InvalidPayload, match="order_id: missing"):
        await Free.dispatch(note="x")
    assert await Free.dispatch(order_id=1)
