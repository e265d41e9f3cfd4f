"""What users write; neither checker may find a fault in it."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any, assert_type

from jtc.jobs import Dispatcher, Job, JobContext, JobHandle, JobStatus
from shop import (
    Base,
    Color,
    Derived,
    Free,
    ImportLine,
    Line,
    NamedLikeOptions,
    Rich,
    SendInvoice,
    WithConstructor,
    payload,
)


async def of_a_job() -> None:
    job = SendInvoice(order_id=7)
    assert_type(job.order_id, int)
    assert_type(job.recipient, str)
    assert_type(job.context, JobContext)

    handle = await job.dispatch()
    assert_type(handle, JobHandle)
    assert_type(handle.id, str)
    assert_type(handle.created, bool)
    assert_type(await handle.status(), JobStatus)
    assert_type(await handle.cancel(), bool)

    await SendInvoice(order_id=7, recipient="ada").dispatch(
        delay=60, queue="other", tries=2, timeout=1.5, tags=("a",)
    )
    await SendInvoice(order_id=7).dispatch(delay=dt.timedelta(hours=1))
    await SendInvoice(order_id=7).dispatch(at=dt.datetime.now(dt.UTC))
    await SendInvoice(order_id=7).dispatch(unique_key="k")
    maybe = await SendInvoice(order_id=7).dispatch_if(job.order_id > 3, delay=1)
    assert_type(maybe, JobHandle | None)
    await SendInvoice(order_id=7).dispatch_sync()
    assert_type(SendInvoice(order_id=7).dispatch_blocking(delay=1), JobHandle)


async def of_a_class() -> None:
    assert_type(await SendInvoice.dispatch(order_id=7), JobHandle)
    maybe = await SendInvoice.dispatch_if(True, order_id=7)
    assert_type(maybe, JobHandle | None)
    await SendInvoice.dispatch_sync(order_id=7)
    assert_type(SendInvoice.dispatch_blocking(order_id=7), JobHandle)
    await WithConstructor.dispatch(order_id=7)
    await WithConstructor.dispatch(**payload())
    await Free.dispatch(anything=[1, 2])


async def configured() -> None:
    later = SendInvoice.configure(delay=60, queue="mail", tries=3, tags=["a"])
    assert_type(later, Dispatcher[SendInvoice])
    assert_type(await later.dispatch(order_id=7), JobHandle)
    assert_type(later.dispatch_blocking(order_id=7), JobHandle)


async def many() -> None:
    handles = await SendInvoice.dispatch_many([SendInvoice(order_id=7)])
    assert_type(handles, list[JobHandle])
    await SendInvoice.dispatch_many([{"order_id": 7}, {"order_id": 8}])
    await SendInvoice.dispatch_many({"order_id": n} for n in range(3))
    await SendInvoice.dispatch_many(SendInvoice(order_id=n) for n in range(3))
    await SendInvoice.dispatch_many([SendInvoice(order_id=7), {"order_id": 8}])
    await SendInvoice.configure(delay=1).dispatch_many([SendInvoice(order_id=7)])


def constructed() -> list[Job]:
    return [
        Rich(
            at=dt.datetime.now(dt.UTC),
            day=None,
            id=uuid.uuid4(),
            color=Color.RED,
            data=b"",
            kind="a",
            amount=1,
            pair=(1, "a"),
            lines=[Line("tea", Decimal(1))],
        ),
        NamedLikeOptions(queue="q", timeout=1, name="n"),
        Derived(tenant="t", number=1),
        ImportLine(item=Line("tea", Decimal(1))),
        Free(),
    ]


def a_class_in_a_variable(job_class: type[Base]) -> type[Job]:
    return job_class


async def a_job_of_any_class(job: Job, job_class: type[Job]) -> None:
    assert_type(await job.dispatch(delay=1), JobHandle)
    assert_type(await job_class.dispatch(anything=1), JobHandle)
    assert_type(job_class.configure(delay=1), Dispatcher[Job])


def compared() -> bool:
    return SendInvoice(order_id=7) == SendInvoice(order_id=7)


async def in_a_test() -> None:
    job = SendInvoice(order_id=7)
    result: Any = await job.dispatch_sync()
    assert result == "8"
