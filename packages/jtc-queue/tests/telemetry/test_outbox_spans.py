from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import SpanKind
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from jtc.jobs import Job, JobManager
from jtc.outbox import Outbox
from jtc.queue import RedisQueue


class Note(Job):
    number: int

    async def handle(self) -> None: ...


NAME = f"{__name__}.Note"
AWAY = "redis://127.0.0.1:1"


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox whose table is in a new database."""
    metadata = MetaData()
    outbox = Outbox(metadata)
    engine = create_engine(f"sqlite:///{tmp_path}/books.db")
    metadata.create_all(engine)
    engine.dispose()
    return outbox


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/books.db")
    yield engine
    await engine.dispose()


async def test_the_attempt_is_a_child_of_the_dispatch_in_the_transaction(
    queue: RedisQueue, spans: Any, work_off: Any, outbox: Outbox, engine: AsyncEngine
) -> None:
    # When
    with spans.request() as request:
        async with AsyncSession(engine) as session, session.begin():
            handle = outbox.dispatch(session, Note(number=1))
    await outbox.drain()
    await work_off(queue)

    # Then
    made = spans.one("create shop")
    assert made.kind == SpanKind.PRODUCER
    assert spans.parent(made) == request.get_span_context().span_id
    assert dict(made.attributes) == {
        "messaging.system": "jtc",
        "messaging.operation.name": "create",
        "messaging.operation.type": "create",
        "messaging.destination.name": "shop",
        "messaging.message.id": handle.id,
        "jtc.job": NAME,
    }
    assert spans.parent(spans.one(f"process {NAME}")) == made.context.span_id
    # And the call that put it into the queue says what it has sent
    sent = spans.one("send shop")
    assert sent.kind == SpanKind.CLIENT
    assert spans.links(sent) == [made.context.span_id]
    assert spans.parent(sent) == request.get_span_context().span_id


async def test_what_is_committed_together_is_sent_in_the_trace_of_the_first(
    queue: RedisQueue, spans: Any, outbox: Outbox, engine: AsyncEngine
) -> None:
    async def order(number: int) -> int:
        with spans.request() as request:
            async with AsyncSession(engine) as session, session.begin():
                outbox.dispatch(session, Note(number=number))
            return int(request.get_span_context().span_id)

    # When
    requests = await asyncio.gather(*map(order, range(5)))
    await outbox.drain()

    # Then no request was given what was sent after it, for another one
    made = {span.context.span_id: span for span in spans.all("create shop")}
    sent = spans.all("send shop")
    assert sorted(n for one in sent for n in spans.links(one)) == sorted(made)
    for one in sent:
        first = made[spans.links(one)[0]]
        assert spans.parent(one) == spans.parent(first)
    assert {spans.parent(one) for one in made.values()} == set(requests)


async def test_what_the_relay_sends_is_linked_to_its_dispatches(
    queue: RedisQueue,
    redis_url: str,
    spans: Any,
    outbox: Outbox,
    engine: AsyncEngine,
) -> None:
    # Given what was committed while the server was away
    JobManager.initialize(AWAY, "shop")
    async with AsyncSession(engine) as session, session.begin():
        outbox.dispatch(session, Note(number=1))
        outbox.dispatch(session, Note(number=2))
    await outbox.drain()
    await JobManager.close()
    JobManager.initialize(redis_url, "shop")
    # When
    with spans.request() as request:
        assert await outbox.relay(engine) == 2

    # Then
    made = [span.context.span_id for span in spans.all("create shop")]
    sent = spans.all("send shop")[-1]
    assert sent.attributes["messaging.batch.message_count"] == 2
    assert spans.links(sent) == made
    assert spans.parent(sent) == request.get_span_context().span_id


def test_a_commit_without_an_event_loop_is_traced_too(
    redis_url: str, spans: Any, outbox: Outbox, tmp_path: Path
) -> None:
    JobManager.initialize(redis_url, "shop")
    engine = create_engine(f"sqlite:///{tmp_path}/books.db")
    with spans.request() as request, Session(engine) as session, session.begin():
        outbox.dispatch(session, Note(number=1))
    engine.dispose()

    sent = spans.one("send shop")
    assert spans.links(sent) == [spans.one("create shop").context.span_id]
    assert spans.parent(sent) == request.get_span_context().span_id
