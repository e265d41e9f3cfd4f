"""The web service.

uvicorn shop.web:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from jtc.jobs import JobHandle, JobManager
from jtc.queue import InvalidSchedule, ScheduleExists, Schedules
from jtc.schedule import ScheduleError
from shop.database import Invoice, Order, Report, engine, open_session, outbox
from shop.jobs import ReportOnTenant, SendInvoice
from shop.services import PaymentDeclined, Payments


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await outbox.drain()
    await JobManager.close()
    await engine.dispose()


app = FastAPI(title="Shop", lifespan=lifespan)


async def _session() -> AsyncIterator[AsyncSession]:
    async with open_session() as session:
        yield session


async def _schedules() -> Schedules:
    return Schedules(JobManager.open_queue())


Session = Annotated[AsyncSession, Depends(_session)]
TheSchedules = Annotated[Schedules, Depends(_schedules)]
ThePayments = Annotated[Payments, Depends(Payments)]


# -- orders and their invoices


class NewOrder(BaseModel):
    tenant: str
    customer: str
    article: str
    cents: int
    card: str


@app.post("/orders", status_code=201)
async def place_order(
    new: NewOrder, session: Session, payments: ThePayments
) -> dict[str, Any]:
    """Take an order, its payment, and have its invoice sent: all of it or nothing."""
    order = Order(**new.model_dump(exclude={"card"}))
    try:
        async with session.begin():
            session.add(order)
            await session.flush()
            invoice = outbox.dispatch(session, SendInvoice(order_id=order.id))
            order.invoice_job = invoice.id
            await payments.charge(new.card, order.cents)
    except PaymentDeclined as error:
        raise HTTPException(402, str(error)) from error
    return {"id": order.id}


@app.get("/orders/{order_id}")
async def show_order(order_id: int, session: Session) -> dict[str, Any]:
    order = await _find_order(order_id, session)
    return {"id": order.id, "customer": order.customer, "article": order.article}


@app.get("/orders/{order_id}/invoice")
async def show_invoice(order_id: int, session: Session) -> dict[str, Any]:
    """Tell how far the invoice is; the job says so until there is one."""
    order = await _find_order(order_id, session)
    invoice = await session.get(Invoice, order_id)
    if invoice is not None:
        return {"status": "complete", "text": invoice.text}
    handle = JobHandle(order.invoice_job or "", JobManager.home_queue_name())
    return {"status": await handle.status(), "text": None}


async def _find_order(order_id: int, session: AsyncSession) -> Order:
    order = await session.get(Order, order_id)
    if order is None:
        raise HTTPException(404, f"There is no order {order_id}.")
    return order


# -- reports


@app.get("/reports")
async def list_reports(session: Session, tenant: str | None = None) -> list[Any]:
    """List the reports on a tenant, or those on all orders."""
    found = await session.scalars(select(Report).where(Report.tenant == tenant))
    reports: Sequence[Report] = found.all()
    return [{"orders": one.orders, "cents": one.cents} for one in reports]


@app.post("/reports", status_code=202)
async def make_report(schedules: TheSchedules) -> dict[str, str]:
    """Make tonight's report now, beside its schedule."""
    return {"job": await schedules.trigger("nightly_report")}


# -- tenants: each says when it wants its report


class NewTenant(BaseModel):
    name: str
    cron: str | None = None
    every: int | None = None
    timezone: str | None = None


@app.post("/tenants", status_code=201)
async def add_tenant(new: NewTenant, schedules: TheSchedules) -> dict[str, str]:
    """Schedule the reports of a tenant; workers that run already learn of it at once.

    Its times are a cron expression, or so many seconds from one report to the next.
    """
    name = f"report.{new.name}"
    try:
        await schedules.add(
            name,
            cron=new.cron,
            every=new.every,
            timezone=new.timezone,
            job=ReportOnTenant,
            payload={"tenant": new.name},
        )
    except ScheduleExists as error:
        raise HTTPException(409, str(error)) from error
    except (InvalidSchedule, ScheduleError) as error:
        raise HTTPException(422, str(error)) from error
    return {"schedule": name}


@app.delete("/tenants/{name}", status_code=204, response_class=Response)
async def remove_tenant(name: str, schedules: TheSchedules) -> None:
    if not await schedules.remove(f"report.{name}"):
        raise HTTPException(404, f"There is no tenant {name}.")
