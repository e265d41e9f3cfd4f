"""What is done outside of a request. A field is what a job is about; the parameters of
`handle` are what it is done with.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from jtc.jobs import Exponential, Job
from shop.database import Invoice, Order
from shop.services import Mailer, Reports


class SendInvoice(Job, tries=5, backoff=Exponential(1, cap=60), timeout=30):
    order_id: int

    async def handle(self, session: AsyncSession, mailer: Mailer) -> str:
        order = await session.get_one(Order, self.order_id)
        invoice = await session.get(Invoice, self.order_id)
        # A job may run again after a worker has died: a second run makes no second
        # invoice, it only sends the mail that may not have been sent.
        if invoice is None:
            text = f"{order.article}, {order.cents / 100:.2f}"
            invoice = Invoice(order_id=order.id, text=text)
            session.add(invoice)
            await session.commit()
        await mailer.send(order.customer, f"Invoice {order.id}: {invoice.text}")
        return invoice.text


class ReportOnTenant(Job):
    tenant: str

    async def handle(self, reports: Reports) -> None:
        await reports.make(self.tenant)
