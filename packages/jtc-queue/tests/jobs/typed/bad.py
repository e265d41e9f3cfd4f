"""What users get wrong; both checkers find a fault in each line that says so."""

from __future__ import annotations

import datetime as dt

from jtc.jobs import Exponential, Job, JobHandle
from shop import Derived, ImportLine, Mailer, Rich, SendInvoice, WithConstructor


async def of_a_job() -> None:
    SendInvoice(order_id="7")  # error
    SendInvoice(order=7)  # error
    SendInvoice()  # error
    SendInvoice(7)  # error
    SendInvoice(order_id=7, recipient=None)  # error
    SendInvoice(order_id=7, emial="x")  # error
    Derived(number=1)  # error
    ImportLine(item="tea")  # error
    Rich(order_id=7)  # error
    WithConstructor(order_id=7)  # error
    WithConstructor("no mailer")  # error
    await SendInvoice(order_id=7).dispatch(order_id=7)  # error
    await SendInvoice(order_id=7).dispatch(dealy=60)  # error
    await SendInvoice(order_id=7).dispatch(delay="60")  # error
    await SendInvoice(order_id=7).dispatch(at="soon")  # error
    await SendInvoice(order_id=7).dispatch(60)  # error
    await SendInvoice(order_id=7).dispatch_sync(delay=60)  # error
    SendInvoice(order_id=7).dispatch_blocking(dealy=60)  # error
    await SendInvoice(order_id=7).dispatch_if()  # error
    print(SendInvoice(order_id=7).order)  # error
    text: str = SendInvoice(order_id=7).order_id  # error
    print(text)


async def of_a_class() -> None:
    await SendInvoice.dispatch(7)  # error
    await SendInvoice.dispatch_if(order_id=7)  # error
    SendInvoice.configure(dealy=60)  # error
    SendInvoice.configure(delay="60")  # error
    SendInvoice.configure(tries=dt.timedelta(1))  # error
    SendInvoice.configure(name="x")  # error
    number: int = await SendInvoice.dispatch(order_id=7)  # error
    handle: JobHandle = SendInvoice.dispatch(order_id=7)  # error
    await SendInvoice.dispatch_many([7])  # error
    await SendInvoice.dispatch_many([Derived(tenant="t", number=1)])  # error
    await SendInvoice.dispatch_many(order_id=7)  # error
    print(number, handle)


class Typo(Job, tires=3):  # error
    async def handle(self) -> None: ...


class TriesAsText(Job, tries="3"):  # error
    async def handle(self) -> None: ...


class BackoffAsText(Job, backoff=Exponential("1")):  # error
    async def handle(self) -> None: ...


class AliasesOfNumbers(Job, aliases=(1, 2)):  # error
    async def handle(self) -> None: ...


class RetryOnText(Job, retry_on="ConnectionError"):  # error
    async def handle(self) -> None: ...


class WrongDefault(Job):
    order_id: int = "7"  # error

    async def handle(self, mailer: Mailer) -> None:
        mailer.sent("x")  # error
        print(self.order)  # error
