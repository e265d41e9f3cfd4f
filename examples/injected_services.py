"""A job whose services are injected, from a container that this program fills itself.

python examples/injected_services.py
"""

from __future__ import annotations

import asyncio
import tempfile
from abc import ABC, abstractmethod
from dataclasses import dataclass

import lagom

from jtc.jobs import Job
from jtc.providers import QueueProvider
from jtc.queue.embedded import EmbeddedServer

# -- services: plain classes that ask for what they need, and know nothing of jobs


@dataclass(frozen=True)
class MailSettings:
    sender: str


class Outbox(ABC):
    @abstractmethod
    def send(self, recipient: str, text: str) -> None: ...


class PrintedOutbox(Outbox):
    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    def send(self, recipient: str, text: str) -> None:
        print(f"From {self.settings.sender} to {recipient}: {text}")


class Prices:
    def __init__(self) -> None:
        self._cents = {"tea": 350, "cake": 420}

    def of(self, article: str) -> int:
        return self._cents[article]


class Invoices:
    def __init__(self, prices: Prices, outbox: Outbox) -> None:
        self.prices = prices
        self.outbox = outbox

    def send(self, customer: str, articles: list[str]) -> int:
        total = sum(self.prices.of(article) for article in articles)
        self.outbox.send(customer, f"{', '.join(articles)}: {total / 100:.2f}")
        return total


# -- the job: __init__ takes services, annotated attributes are the payload


class SendInvoice(Job, tries=3):
    customer: str
    articles: list[str]

    def __init__(self, invoices: Invoices) -> None:
        self.invoices = invoices

    async def handle(self) -> int:
        return self.invoices.send(self.customer, self.articles)


def make_container() -> lagom.Container:
    container = lagom.Container()
    # What type hints cannot say: a value, and which class stands for an abstract one.
    # Prices and Invoices need no line, for their constructors say it all.
    container[MailSettings] = MailSettings(sender="shop@example.org")
    container[Outbox] = PrintedOutbox
    return container


async def main(redis_url: str) -> None:
    provider = QueueProvider(redis_url)
    await provider.initialize(make_container())
    try:
        invoice = await SendInvoice.dispatch(customer="Ada", articles=["tea", "cake"])
        # Only for an example: as a rule `jtc queue work` runs jobs, in its own process.
        await provider.get_worker(burst=True).start()
        print(f"{await invoice.status()}, total {await invoice.result()} cents")
    finally:
        await provider.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(folder) as server:
        asyncio.run(main(server.url))
