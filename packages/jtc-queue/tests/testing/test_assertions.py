from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from jtc.jobs import Batch, Chain, Job, Secret, Unique
from jtc.testing import QueueFake, UnknownField


@pytest.fixture
def send_invoice(fake: QueueFake) -> Any:
    class SendInvoice(Job, queue="mail", tags=("money",)):
        order_id: int
        amount: Decimal = Decimal("9.90")

        async def handle(self) -> None:
            raise AssertionError("nothing runs by itself")

    return SendInvoice


@pytest.fixture
def send_receipt(fake: QueueFake) -> Any:
    class SendReceipt(Job):
        async def handle(self) -> None:
            raise AssertionError("nothing runs by itself")

    return SendReceipt


async def test_what_was_dispatched_is_returned(
    fake: QueueFake, send_invoice: Any
) -> None:
    handle = await send_invoice.configure(delay=60, tags=("eu",)).dispatch(order_id=7)

    [found] = fake.assert_dispatched(send_invoice, order_id=7)

    assert found == fake.dispatched()[0]
    assert (found.id, found.queue, found.job_class) == (handle.id, "mail", send_invoice)
    assert found.payload == {"order_id": 7, "amount": Decimal("9.90")}
    assert found.due == fake.clock.now + timedelta(seconds=60)
    assert found.tags == ("money", "eu")


async def test_a_job_at_a_time_is_due_then(fake: QueueFake, send_invoice: Any) -> None:
    noon = datetime(2100, 1, 1, 12, tzinfo=UTC)
    await send_invoice.configure(at=noon).dispatch(order_id=7)

    [found] = fake.dispatched(send_invoice)

    assert found.due == noon


async def test_dispatches_are_told_apart(
    fake: QueueFake, send_invoice: Any, send_receipt: Any
) -> None:
    await send_invoice.dispatch_many([{"order_id": n} for n in (7, 8)])
    await send_invoice(order_id=7, amount=Decimal(1)).dispatch(queue="slow")
    await send_receipt.dispatch()

    fake.assert_dispatched(send_invoice, times=3)
    fake.assert_dispatched(send_invoice, times=2, order_id=7)
    fake.assert_dispatched(send_invoice, times=1, order_id=7, queue="slow")
    fake.assert_dispatched(
        send_invoice, times=2, where=lambda one: one.payload["amount"] > 5
    )
    fake.assert_dispatched(send_receipt, queue="high", times=0)
    fake.assert_not_dispatched(send_receipt, queue="mail")
    fake.assert_not_dispatched(send_invoice, order_id=9)
    assert len(fake.dispatched()) == 4
    assert len(fake.dispatched(queue="mail")) == 2


async def test_an_assertion_says_what_was_dispatched_instead(
    fake: QueueFake, send_invoice: Any, send_receipt: Any
) -> None:
    await send_invoice.dispatch(order_id=8)

    with pytest.raises(AssertionError) as missing:
        fake.assert_dispatched(send_invoice, order_id=7, queue="mail")
    with pytest.raises(AssertionError) as unmet:
        fake.assert_dispatched(send_invoice, where=lambda _: False)
    with pytest.raises(AssertionError) as times:
        fake.assert_dispatched(send_invoice, times=2)

    dispatched = (
        "Dispatched:\n  SendInvoice(order_id=8, amount=Decimal('9.90')) in queue 'mail'"
    )
    assert str(missing.value) == (
        f"SendInvoice(order_id=7) in queue 'mail' was not dispatched. {dispatched}"
    )
    assert str(unmet.value) == (
        f"SendInvoice that meets the condition was not dispatched. {dispatched}"
    )
    assert str(times.value) == (
        f"SendInvoice was dispatched once, not twice. {dispatched}"
    )


def test_an_assertion_says_that_nothing_was_dispatched(
    fake: QueueFake, send_invoice: Any
) -> None:
    fake.assert_nothing_dispatched()

    with pytest.raises(AssertionError, match=r"Nothing was dispatched\.$"):
        fake.assert_dispatched(send_invoice)


async def test_what_should_not_have_been_dispatched_is_named(
    fake: QueueFake, send_invoice: Any
) -> None:
    await send_invoice.configure(
        at=datetime(2100, 1, 1, tzinfo=UTC),
    ).dispatch(order_id=7)

    with pytest.raises(AssertionError) as one:
        fake.assert_not_dispatched(send_invoice, order_id=7)
    with pytest.raises(AssertionError) as anything:
        fake.assert_nothing_dispatched()

    listed = (
        "  SendInvoice(order_id=7, amount=Decimal('9.90')) in queue 'mail', "
        "due 2100-01-01T00:00:00+00:00"
    )
    assert str(one.value) == f"SendInvoice(order_id=7) was dispatched once:\n{listed}"
    assert str(anything.value) == f"A job was dispatched:\n{listed}"


def test_a_field_that_the_class_does_not_have_is_a_mistake(
    fake: QueueFake, send_invoice: Any
) -> None:
    with pytest.raises(UnknownField, match=r"'order_idd'.*: order_id, amount"):
        fake.assert_not_dispatched(send_invoice, order_idd=7)


async def test_a_class_that_declares_no_payload_is_compared_too(
    fake: QueueFake,
) -> None:
    class Free(Job):
        async def handle(self) -> None: ...

    await Free.dispatch(lines=[1, {"a": None}])

    fake.assert_dispatched(Free, lines=[1, {"a": None}])
    fake.assert_not_dispatched(Free, lines=[])
    fake.assert_not_dispatched(Free, other=None)


async def test_a_job_that_may_not_stand_beside_another_was_not_dispatched(
    fake: QueueFake,
) -> None:
    class OnlyOne(Job, unique=Unique()):
        async def handle(self) -> None: ...

    await OnlyOne.dispatch()
    await OnlyOne.dispatch()
    await OnlyOne.dispatch_many([{}, {}])

    fake.assert_dispatched(OnlyOne, times=1)


async def test_the_jobs_of_a_chain_and_of_a_batch_were_dispatched(
    fake: QueueFake,
) -> None:
    class First(Job):
        async def handle(self) -> None: ...

    class Second(First): ...

    class Then(First): ...

    class Catch(First): ...

    await Chain(First(), Second()).dispatch()
    await Batch([First(), First()], then=Then(), catch=Catch()).dispatch()
    fake.assert_dispatched(Second)
    fake.assert_dispatched(First, times=3)
    fake.assert_not_dispatched(Then)

    await fake.drain()

    fake.assert_dispatched(Then, times=1)
    fake.assert_dispatched(First, times=3)
    fake.assert_not_dispatched(Catch)


async def test_what_is_not_put_into_the_queue_was_not_dispatched(
    fake: QueueFake, send_receipt: Any
) -> None:
    class Here(Job):
        async def handle(self) -> str:
            return "done"

    assert await Here.dispatch_sync() == "done"
    assert await send_receipt.dispatch_if(False) is None

    fake.assert_nothing_dispatched()


def test_dispatches_of_every_loop_and_thread_are_seen(
    fake: QueueFake, send_invoice: Any
) -> None:
    send_invoice.dispatch_blocking(order_id=1)
    thread = threading.Thread(
        target=send_invoice.dispatch_blocking, kwargs={"order_id": 2}
    )
    thread.start()
    thread.join()
    asyncio.run(send_invoice.dispatch(order_id=3))
    asyncio.run(send_invoice.dispatch(order_id=4))

    found = fake.assert_dispatched(send_invoice, times=4)

    assert [one.payload["order_id"] for one in found] == [1, 2, 3, 4]


async def test_a_secret_can_be_asked_for_and_is_not_shown(fake: QueueFake) -> None:
    class Sync(Job, tries=1):
        region: str
        token: Secret[str] = "s3cret-default"

        async def handle(self) -> None:
            raise ValueError(self.token)

    # Given jobs with secrets, one of which has run
    await Sync.dispatch(region="eu", token="s3cret-1")
    await Sync.dispatch(region="us")
    await fake.run_pending()

    # When a test looks at them
    first, second = fake.dispatched(Sync)
    [found] = fake.assert_dispatched(Sync, token="s3cret-1")
    with pytest.raises(AssertionError) as missing:
        fake.assert_dispatched(Sync, token="s3cret-2")
    with pytest.raises(AssertionError) as unwanted:
        fake.assert_not_dispatched(Sync, token="s3cret-1")

    # Then it has them
    assert found is first
    assert second.payload["token"] == "s3cret-default"
    assert [one.payload.get("token") for one in fake.ran] == ["s3cret-1", None]

    # And no message has
    shown = f"{missing.value} {unwanted.value} {first!r} {second} {fake.ran!r}"
    assert "Sync(region='eu', token='***')" in shown
    assert "s3cret" not in shown
