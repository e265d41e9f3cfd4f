"""What users write; neither checker may find a fault in it."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from jtc.jobs import Exponential, Job, Unique

T = TypeVar("T")


class Mailer:
    async def send(self, text: str) -> str:
        return text


class Color(enum.Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    price: Decimal


class SendInvoice(
    Job,
    queue="mail",
    tries=5,
    backoff=Exponential(1, cap=600),
    timeout=60,
    unique=Unique(by=("order_id",), until="finish", ttl=3600),
    name="send_invoice",
    aliases=("app.old.SendInvoice",),
    tags=["billing"],
    retry_until=dt.timedelta(hours=1),
    retry_on=(ConnectionError, TimeoutError),
    discard_on=LookupError,
):
    order_id: int
    recipient: str = "nobody@example.org"

    async def handle(self, mailer: Mailer) -> str:
        return await mailer.send(f"{self.order_id + 1} {self.recipient.upper()}")

    async def failed(self, exception: Exception) -> None:
        print(self.context.id, self.context.attempt, exception)


class Rich(Job):
    at: dt.datetime
    day: dt.date | None
    id: uuid.UUID
    color: Color
    data: bytes
    kind: Literal["a", "b"]
    amount: Annotated[int, msgspec.Meta(ge=1)]
    pair: tuple[int, str]
    lines: list[Line] = []  # noqa: RUF012 - copied for each job
    by_id: dict[uuid.UUID, Decimal] = {}  # noqa: RUF012
    fee: ClassVar[Decimal] = Decimal("2.50")

    def handle(self) -> Decimal:
        return self.fee * self.amount


class NamedLikeOptions(Job):
    queue: str
    timeout: int
    name: str
    tries: int = 1

    def handle(self, mailer: Mailer, *, other: Mailer) -> None: ...


class Base(Job, tries=3):
    tenant: str


class Derived(Base, queue="bulk"):
    number: int

    async def handle(self, mailer: Mailer, clock: dt.tzinfo) -> int:
        return self.number


class Import(Job, Generic[T]):
    item: T


class ImportLine(Import[Line]):
    async def handle(self) -> str:
        return self.item.sku


class Free(Job):
    async def handle(self) -> None: ...


class WithConstructor(Job):
    order_id: int

    def __init__(self, mailer: Mailer) -> None:
        self.mailer = mailer

    async def handle(self) -> str:
        return await self.mailer.send(str(self.order_id))


def payload() -> Mapping[str, Any]:
    return {"order_id": 7}
