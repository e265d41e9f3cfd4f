from __future__ import annotations

from typing import Any

import pytest
import saq
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracerProvider, SpanKind, StatusCode
from redis.exceptions import ConnectionError as RedisConnectionError

from jtc.jobs import Batch, Chain, Job, JobManager
from jtc.queue import RedisQueue, Unserializable
from jtc.telemetry import instrument, uninstrument
from jtc.testing import fake_queue


class Note(Job):
    number: int = 0

    async def handle(self) -> None: ...


SAMPLED = trace.TraceFlags.SAMPLED
NAME = f"{__name__}.Note"


async def metas(queue: RedisQueue) -> list[dict[str, Any]]:
    redis: Any = queue.redis
    keys = sorted([key async for key in redis.scan_iter("saq:job:*")])
    jobs = [queue.deserialize(await redis.get(key)) for key in keys]
    return [job.meta for job in jobs if job]


async def test_a_dispatch_is_a_producer_span_within_the_current_one(
    queue: RedisQueue, spans: Any
) -> None:
    # When
    with spans.request() as request:
        handle = await Note.dispatch(number=1)

    # Then
    sent = spans.one("send shop")
    place = queue.redis.connection_pool.connection_kwargs
    assert sent.kind == SpanKind.PRODUCER
    assert spans.parent(sent) == request.get_span_context().span_id
    assert dict(sent.attributes) == {
        "messaging.system": "jtc",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "shop",
        "messaging.message.id": handle.id,
        "server.address": place["host"],
        "server.port": place["port"],
        "jtc.job": NAME,
    }
    assert sent.status.status_code == StatusCode.UNSET


async def test_what_is_sent_carries_its_span_in_the_form_of_the_w3c(
    queue: RedisQueue, spans: Any
) -> None:
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    await Note.dispatch(number=1)
    context.detach(token)

    sent = spans.one("send shop").context
    [meta] = await metas(queue)
    assert meta["trace_context"].keys() == {"traceparent", "baggage"}
    assert meta["trace_context"]["baggage"] == "tenant=acme"
    version, trace_id, span_id, flags = meta["trace_context"]["traceparent"].split("-")
    assert version == "00"
    assert (int(trace_id, 16), int(span_id, 16)) == (sent.trace_id, sent.span_id)
    assert int(flags, 16) & SAMPLED


async def test_many_jobs_of_one_call_are_one_span(
    queue: RedisQueue, spans: Any
) -> None:
    await Note.dispatch_many([{"number": 1}, {"number": 2}])
    await queue.enqueue_many([saq.Job("one"), saq.Job("two")])

    many, mixed = spans.all("send shop")
    assert many.attributes["messaging.batch.message_count"] == 2
    assert many.attributes["jtc.job"] == NAME
    assert "messaging.message.id" not in many.attributes
    assert "jtc.job" not in mixed.attributes
    carried = [meta["trace_context"]["traceparent"] for meta in await metas(queue)]
    assert len(carried) == 4
    assert len(set(carried)) == 2


async def test_a_call_without_jobs_makes_no_span(queue: RedisQueue, spans: Any) -> None:
    await Note.dispatch_many([])

    assert spans.ended == ()


async def test_a_plain_function_is_sent_with_a_span_too(
    queue: RedisQueue, spans: Any
) -> None:
    await queue.enqueue("add", a=1)

    assert spans.one("send shop").attributes["jtc.job"] == "add"


async def test_a_flow_is_sent_with_one_span_which_each_part_carries(
    queue: RedisQueue, spans: Any
) -> None:
    one = Note()
    handle = await Batch([one, one], catch=one, finally_=Chain(one, one)).dispatch()

    sent = spans.one("send shop")
    assert sent.kind == SpanKind.PRODUCER
    assert sent.attributes["messaging.batch.message_count"] == 5
    assert sent.attributes["messaging.message.conversation_id"] == handle.id
    redis: Any = queue.redis
    fields = await redis.hgetall(f"{queue.keys.flow}{handle.id}")
    span_id = trace.format_span_id(sent.context.span_id).encode()
    assert all("trace_context" in meta for meta in await metas(queue))
    assert fields[b"catch"].count(span_id) == 1
    assert fields[b"finally"].count(span_id) == 2


async def test_what_cannot_be_sent_is_an_error_of_the_span(
    queue: RedisQueue, spans: Any
) -> None:
    with pytest.raises(Unserializable):
        await queue.enqueue("add", a=object())

    sent = spans.one("send shop")
    assert sent.status.status_code == StatusCode.ERROR
    assert sent.attributes["error.type"] == "jtc.queue.errors.Unserializable"
    assert [event.name for event in sent.events] == ["exception"]
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_server_that_is_away_is_an_error_of_the_span(spans: Any) -> None:
    JobManager.initialize("redis://127.0.0.1:1")
    with pytest.raises(RedisConnectionError):
        await Note.dispatch()
    await JobManager.close()

    sent = spans.one("send default")
    assert sent.attributes["error.type"] == "redis.exceptions.ConnectionError"
    assert (sent.attributes["server.address"], sent.attributes["server.port"]) == (
        "127.0.0.1",
        1,
    )


async def test_a_context_that_somebody_has_given_is_not_replaced(
    queue: RedisQueue, spans: Any
) -> None:
    given = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    await queue.enqueue(saq.Job("add", meta={"trace_context": given}))

    [meta] = await metas(queue)
    assert meta["trace_context"] == given
    sent = spans.one("send shop")
    assert spans.links(sent) == [int("b" * 16, 16)]
    assert sent.kind == SpanKind.CLIENT


async def test_the_meta_of_the_caller_is_left_as_it_is(
    queue: RedisQueue, spans: Any
) -> None:
    mine = {"tenant": "acme"}
    await queue.enqueue_many([saq.Job("a", meta=mine), saq.Job("b", meta=mine)])

    assert mine == {"tenant": "acme"}
    for meta in await metas(queue):
        assert meta["tenant"] == "acme"
        assert meta["trace_context"].keys() == {"traceparent"}


@pytest.mark.parametrize("mine", ["my own", 7, None])
async def test_what_the_caller_has_put_there_is_left_alone(
    queue: RedisQueue, spans: Any, mine: Any
) -> None:
    await queue.enqueue(saq.Job("add", meta={"trace_context": mine}))

    assert await metas(queue) == [{"trace_context": mine}]
    assert spans.one("send shop").kind == SpanKind.PRODUCER


async def test_what_is_dispatched_to_the_fake_is_traced_as_well(
    spans: Any,
) -> None:
    with fake_queue() as fake:
        await Note.dispatch()
        await fake.drain()

    sent, ran = spans.one("send default"), spans.one(f"process {NAME}")
    assert spans.parent(ran) == sent.context.span_id
    assert ran.attributes["jtc.outcome"] == "complete"


async def test_a_trace_that_is_not_sampled_stays_so(
    queue: RedisQueue, spans: Any
) -> None:
    instrument(TracerProvider(sampler=ALWAYS_OFF))
    await Note.dispatch()

    [meta] = await metas(queue)
    assert not int(meta["trace_context"]["traceparent"][-2:], 16) & SAMPLED
    assert spans.ended == ()


async def test_without_an_sdk_nothing_is_written(queue: RedisQueue) -> None:
    instrument(NoOpTracerProvider())
    await Note.dispatch()

    assert "trace_context" not in (await metas(queue))[0]


async def test_after_uninstrument_no_span_is_made(
    queue: RedisQueue, spans: Any
) -> None:
    uninstrument()
    await Note.dispatch()

    assert spans.ended == ()
    assert "trace_context" not in (await metas(queue))[0]


async def test_a_tracer_that_fails_keeps_nothing_from_being_sent(
    queue: RedisQueue, work_off: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(NoOpTracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return object()

    instrument(Broken())
    handle = await Note.dispatch()
    await work_off(queue)

    assert await handle.status() == "complete"
    assert trace.get_current_span() is trace.INVALID_SPAN
    failed = [r for r in caplog.records if getattr(r, "action", "") == "span_failed"]
    assert len(failed) == 2
