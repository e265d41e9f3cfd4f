"""The tables, and how they are reached.

python -m shop.database
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from jtc.outbox import Outbox


class Base(DeclarativeBase):
    pass


# A table like the others: whatever creates or migrates those, does so with this one.
outbox = Outbox(Base.metadata)


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(index=True)
    customer: Mapped[str]
    article: Mapped[str]
    cents: Mapped[int]
    invoice_job: Mapped[str | None]


class Invoice(Base):
    __tablename__ = "invoices"

    # One for each order, however often the job is run.
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    text: Mapped[str]


class Report(Base):
    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    tenant: Mapped[str | None]
    orders: Mapped[int]
    cents: Mapped[int]


engine = create_async_engine(
    os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///shop.db")
)
open_session = async_sessionmaker(engine, expire_on_commit=False)


async def create_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(create_tables())
