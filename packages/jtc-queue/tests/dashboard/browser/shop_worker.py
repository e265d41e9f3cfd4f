"""A worker of a little shop, whose dashboard the tests look at.

Arguments: URL, the worker's id, its queues with commas between them, a JSON object:
what its owner says of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from typing import Any

from jtc.jobs import Job, Secret, default_container, runner, set_container
from jtc.queue import (
    RedisQueue,
    Scheduler,
    TaskFunction,
    Worker,
    open_client,
    task_function_name,
    upkeep,
)
from jtc.schedule import ScheduledTask

URL, WORKER, NAMES, METADATA = sys.argv[1:5]

upkeep.REPORT_EVERY = 0.2
# The pictures in the docs show a shop's machines, not whose tests ran.
socket.gethostname = lambda: WORKER.rpartition("-")[0]


class CardDeclined(Exception):
    """The bank says no."""

    __module__ = "shop.payments"


class ChargeCard(Job, name="shop.payments.ChargeCard"):
    order: int
    euros: float
    card: Secret[str]
    why: str = "insufficient funds"

    async def handle(self) -> None:
        raise CardDeclined(f"order {self.order}: {self.why}")


class SyncStock(Job, name="shop.stock.SyncStock"):
    warehouse: str

    async def handle(self) -> None:
        raise TimeoutError(f"warehouse {self.warehouse} did not answer in 10 s")


class PrintLabel(Job, name="shop.labels.PrintLabel"):
    order: int

    async def handle(self) -> None:
        raise KeyError("postal_code")


class SendInvoice(Job, name="shop.mail.SendInvoice"):
    order: int

    async def handle(self) -> dict[str, Any]:
        return {"order": self.order, "sent_to": "ann@example.com"}


class ResizePhoto(Job, name="shop.media.ResizePhoto"):
    path: str
    width: int = 640

    async def handle(self) -> None:
        self.context.progress(0.4, "thumbnails")
        await asyncio.sleep(3600)


class Quarrel(Job, name="shop.Quarrel"):
    """Fails with what it is given."""

    async def handle(self) -> None:
        raise ValueError(vars(self)["why"])


class Echo(Job, name="shop.Echo"):
    """Returns what it is given."""

    async def handle(self) -> dict[str, Any]:
        return vars(self)


async def check_stock(ctx: dict[str, Any]) -> str:
    """Compare what is on the shelves with what the shop says."""
    return "all there"


async def back_up(ctx: dict[str, Any]) -> None:
    """Copy the database to the other building."""
    raise OSError("no space left on the other building's disk")


def report(ctx: dict[str, Any]) -> None:
    """Mail the figures of yesterday to whoever runs the shop."""


TASKS = [
    ScheduledTask(check_stock, 1, "stock.check"),
    ScheduledTask(back_up, "30 2 * * *", "backups.nightly", timezone="Europe/Lisbon"),
    ScheduledTask(report, "0 9 * * MON-FRI", "reports.daily", timezone="Europe/Lisbon"),
]


async def main() -> None:
    set_container(default_container())
    client = open_client(URL)
    queues = [RedisQueue(client, name) for name in NAMES.split(",")]
    functions: list[Any] = [("runner", runner)]
    functions += [(task_function_name(task), TaskFunction(task)) for task in TASKS]
    worker = Worker(
        queues,
        functions,
        id=WORKER,
        schedulers=[Scheduler(queues[0], TASKS)],
        metadata=json.loads(METADATA),
    )
    await worker.start()


logging.basicConfig(level=logging.CRITICAL)
asyncio.run(main())
