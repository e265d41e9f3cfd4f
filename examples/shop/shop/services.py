"""What the shop does: plain classes that know nothing of jobs, tasks or the web."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shop.database import Order, Report


class PaymentDeclined(Exception):
    """Raised when the bank does not pay."""


class Payments:
    """Stands for a bank."""

    async def charge(self, card: str, cents: int) -> None:
        if card.startswith("0"):
            raise PaymentDeclined(f"The card {card} was not charged {cents} cents.")


class Mailer:
    """Stands for a mail server."""

    async def send(self, recipient: str, text: str) -> None:
        print(f"Mail to {recipient}: {text}", flush=True)


class Reports:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def make(self, tenant: str | None = None) -> Report:
        """Count the orders of a tenant, or of all."""
        query = select(func.count(), func.coalesce(func.sum(Order.cents), 0))
        if tenant is not None:
            query = query.where(Order.tenant == tenant)
        orders, cents = (await self.session.execute(query)).one()
        report = Report(tenant=tenant, orders=orders, cents=cents)
        self.session.add(report)
        await self.session.commit()
        return report
