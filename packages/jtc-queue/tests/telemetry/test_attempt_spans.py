from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import pytest
import saq
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from saq.queue.redis import RedisQueue as SaqQueue

from jtc.jobs import Batch, Chain, Discard, Fail, Job, Release, Retry, Secret
from jtc.queue import FailedJobs, RedisQueue, Worker, endings
from jtc.queue.claims import Claims
from jtc.telemetry import instrument, uninstrument

Eventually = Callable[..., Awaitable[Any]]


class Step(Job, tries=2, backoff=0):
    """Does in each attempt what `does` says of it."""

    does: list[str]

    async def handle(self) -> str:
        word = self.does[self.context.attempt - 1] if self.does else ""
        match word:
            case "raise":
                raise ConnectionError("no route")
            case "retry":
                raise Retry("again", after=0)
            case "fail":
                raise Fail("for good") from LookupError("no such order")
            case "discard":
                raise Discard("too old")
        return "done"


class Once(Job):
    """Is put off when it is tried first."""

    tried: ClassVar[list[str | None]] = []

    async def handle(self) -> None:
        self.tried.append(self.context.id)
        if len(self.tried) == 1:
            raise Release("busy", after=0)


NAME = f"{__name__}.Step"


@pytest.fixture(autouse=True)
def nothing_tried() -> None:
    Once.tried.clear()


async def test_the_first_attempt_is_a_child_of_its_dispatch(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    # When
    with spans.request() as request:
        handle = await Step.dispatch(does=[])
    await work_off(queue)

    # Then
    sent, ran = spans.one("send shop"), spans.one(f"process {NAME}")
    assert ran.kind == SpanKind.CONSUMER
    assert spans.parent(ran) == sent.context.span_id
    assert ran.context.trace_id == request.get_span_context().trace_id
    said = dict(ran.attributes)
    assert said.pop("jtc.waited") >= 0
    assert said.pop("messaging.client.id")
    assert said.pop("server.address")
    assert said.pop("server.port")
    assert said == {
        "messaging.system": "jtc",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "shop",
        "messaging.message.id": handle.id,
        "jtc.job": NAME,
        "jtc.attempt": 1,
        "jtc.tries": 2,
        "jtc.outcome": "complete",
    }
    assert ran.status.status_code == StatusCode.UNSET
    assert not ran.events


async def test_a_retry_is_a_trace_of_its_own_with_a_link_to_the_dispatch(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Step.dispatch(does=["raise", ""])
    await work_off(queue)

    sent = spans.one("send shop")
    first, second = spans.all(f"process {NAME}")
    assert spans.parent(first) == sent.context.span_id
    assert first.attributes["jtc.outcome"] == "retried"
    assert spans.parent(second) is None
    assert second.context.trace_id != sent.context.trace_id
    assert spans.links(second) == [sent.context.span_id]
    assert second.attributes["jtc.attempt"] == 2
    assert "jtc.waited" not in second.attributes


async def test_what_goes_wrong_is_recorded_with_its_traceback(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Step.dispatch(does=["raise", "raise"])
    await work_off(queue)

    first, second = spans.all(f"process {NAME}")
    outcomes = [span.attributes["jtc.outcome"] for span in (first, second)]
    assert outcomes == ["retried", "failed"]
    for span in (first, second):
        assert span.status.status_code == StatusCode.ERROR
        assert span.status.description == "ConnectionError: no route"
        assert span.attributes["error.type"] == "ConnectionError"
        [event] = span.events
        assert event.attributes["exception.message"] == "no route"
        assert "in handle" in event.attributes["exception.stacktrace"]


async def test_a_span_shows_no_secret_of_the_payload(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    class Pay(Job):
        card: Secret[str]

        async def handle(self) -> None:
            raise ConnectionError(f"no route for {self.card}")

    await Pay.dispatch(card="4111-1111")
    await work_off(queue)

    ran = spans.one(f"process {Pay.__jtc__.name}")
    assert ran.attributes["error.type"] == "ConnectionError"
    assert ran.status.description == "ConnectionError: no route for ***"
    assert ran.events[0].attributes["exception.type"] == "ConnectionError"
    assert all("4111" not in span.to_json() for span in spans.ended)


async def test_what_goes_wrong_in_a_trace_that_is_not_sampled_is_no_trouble(
    queue: RedisQueue, work_off: Any, caplog: pytest.LogCaptureFixture
) -> None:
    instrument(TracerProvider(sampler=ALWAYS_OFF))
    handle = await Step.dispatch(does=["fail"])
    await work_off(queue)

    assert await handle.status() == "failed"
    assert not [r for r in caplog.records if getattr(r, "action", "") == "span_failed"]


async def test_a_job_that_asks_to_fail_says_what_it_is_about(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Step.dispatch(does=["fail"])
    await work_off(queue)

    ran = spans.one(f"process {NAME}")
    assert ran.attributes["jtc.outcome"] == "failed"
    assert ran.attributes["error.type"] == "LookupError"


async def test_a_job_that_asks_for_a_retry_is_an_error_too(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Step.dispatch(does=["retry", ""])
    await work_off(queue)

    first, _ = spans.all(f"process {NAME}")
    assert first.attributes["jtc.outcome"] == "retried"
    assert first.status.status_code == StatusCode.ERROR


async def test_a_job_that_is_put_off_is_no_error_and_comes_back_with_a_link(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Once.dispatch()
    await work_off(queue)

    sent = spans.one("send shop")
    first, second = spans.all(f"process {__name__}.Once")
    assert first.attributes["jtc.outcome"] == "released"
    assert first.status.status_code == StatusCode.UNSET
    assert not first.events
    assert (spans.parent(second), spans.links(second)) == (None, [sent.context.span_id])


async def test_a_discarded_job_is_no_error(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    await Step.dispatch(does=["discard"])
    await work_off(queue)

    ran = spans.one(f"process {NAME}")
    assert ran.attributes["jtc.outcome"] == "discarded"
    assert ran.status.status_code == StatusCode.UNSET
    assert not ran.events


async def test_a_canceled_attempt_is_no_error_and_one_that_is_too_slow_is(
    queue: RedisQueue, spans: Any, working: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def hang(ctx: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    async with working(Worker(queue, [("hang", hang)])):
        job = await queue.enqueue("hang")
        assert job is not None
        await began.wait()
        await queue.cancel(job.key)
        await eventually(lambda: len(spans.all("process hang")) == 1)
        await queue.enqueue("hang", timeout=1)
        await eventually(lambda: len(spans.all("process hang")) == 2)

    canceled, slow = spans.all("process hang")
    assert canceled.attributes["jtc.outcome"] == "canceled"
    assert canceled.status.status_code == StatusCode.UNSET
    assert slow.attributes["jtc.outcome"] == "failed"
    assert slow.attributes["error.type"] == "jtc.queue.errors.JobTimeout"


async def test_an_attempt_that_a_stopping_worker_cuts_off_is_no_error(
    queue: RedisQueue, spans: Any, eventually: Eventually
) -> None:
    began = asyncio.Event()

    async def hang(ctx: dict[str, Any]) -> None:
        began.set()
        await asyncio.Event().wait()

    worker = Worker(queue, [("hang", hang)], grace=0)
    await queue.enqueue("hang")
    running = asyncio.create_task(worker.start())
    await began.wait()
    await worker.stop()
    await running

    cut = spans.one("process hang")
    assert cut.attributes["jtc.outcome"] == "released"
    assert cut.status.status_code == StatusCode.UNSET


@pytest.fixture
async def recover(queue: RedisQueue) -> Any:
    """Let a worker look dead, and another one take its jobs over."""
    other = Claims(queue, "other")
    # Before it is dead: when nobody has renewed for a while, nobody is taken to be.
    await other.renew()

    async def run(dead: str) -> None:
        redis: Any = queue.redis
        await redis.zadd(queue.keys.workers, {dead: 1})
        for job in (await other.recover()).taken.jobs:
            assert await queue.settle(endings.lost(job))

    return run


async def test_a_job_of_a_killed_worker_comes_back_with_a_link(
    queue: RedisQueue,
    spans: Any,
    work_off: Any,
    recover: Any,
) -> None:
    # Given a worker that did not even write that an attempt had begun
    await Step.dispatch(does=[])
    await Claims(queue, "killed").take(1)
    # When
    await recover("killed")
    await work_off(queue)

    # Then
    sent, ran = spans.one("send shop"), spans.one(f"process {NAME}")
    assert ran.attributes["jtc.attempt"] == 1
    assert (spans.parent(ran), spans.links(ran)) == (None, [sent.context.span_id])


async def test_a_job_that_its_worker_has_left_comes_back_with_a_link(
    queue: RedisQueue,
    spans: Any,
    work_off: Any,
    recover: Any,
    eventually: Eventually,
) -> None:
    # Given a worker that ends while a plain function, which cannot be stopped, runs
    began, may_end = threading.Event(), threading.Event()

    def block(ctx: dict[str, Any]) -> None:
        began.set()
        may_end.wait(30)

    worker = Worker(queue, [("block", block)], grace=0)
    await queue.enqueue("block")
    running = asyncio.create_task(worker.start())
    await eventually(began.is_set)
    await worker.stop()
    await running
    may_end.set()
    # When
    await recover(worker.id)
    await work_off(queue, ("block", block))

    # Then
    sent = spans.one("send shop")
    first, second = await eventually(lambda: spans.all("process block")[:2])
    assert first.attributes["jtc.outcome"] == "lost"
    assert spans.parent(first) == sent.context.span_id
    assert second.attributes["jtc.outcome"] == "complete"
    assert (spans.parent(second), spans.links(second)) == (None, [sent.context.span_id])


async def test_a_failed_job_that_is_put_back_has_a_new_dispatch(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    # Given
    handle = await Step.dispatch(does=["fail"])
    await work_off(queue)
    # When
    with spans.request() as request:
        assert await FailedJobs(queue).retry(handle.id) == (handle.id,)
    await work_off(queue)

    # Then
    first, again = spans.all("send shop")
    _, ran = spans.all(f"process {NAME}")
    assert again.kind == SpanKind.PRODUCER
    assert spans.parent(again) == request.get_span_context().span_id
    assert spans.links(again) == [first.context.span_id]
    assert spans.parent(ran) == again.context.span_id


async def test_a_failed_job_that_is_put_back_without_spans_comes_back_with_a_link(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    handle = await Step.dispatch(does=["fail"])
    await work_off(queue)
    uninstrument()
    assert await FailedJobs(queue).retry(handle.id) == (handle.id,)
    instrument(spans.provider)
    await work_off(queue)

    sent = spans.one("send shop")
    _, ran = spans.all(f"process {NAME}")
    assert ran.attributes["jtc.attempt"] == 1
    assert (spans.parent(ran), spans.links(ran)) == (None, [sent.context.span_id])


async def test_a_worker_that_makes_no_spans_passes_the_dispatch_on(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    # Given
    async def stumble(ctx: dict[str, Any]) -> None:
        if ctx["job"].attempts == 1:
            raise ConnectionError

    await queue.enqueue("stumble", retries=2)
    uninstrument()
    await Worker(queue, [("stumble", stumble)]).process()
    assert await queue.count("queued") == 1
    # When
    instrument(spans.provider)
    await work_off(queue, ("stumble", stumble))

    # Then
    sent, ran = spans.one("send shop"), spans.one("process stumble")
    assert (spans.parent(ran), spans.links(ran)) == (None, [sent.context.span_id])


@pytest.mark.parametrize("kind", ["batch", "chain"])
async def test_the_jobs_of_a_flow_are_children_of_its_dispatch(
    queue: RedisQueue, spans: Any, work_off: Any, kind: str
) -> None:
    one = Step(does=[])
    flow = Chain(one, one, one) if kind == "chain" else Batch([one, one], then=one)
    handle = await flow.dispatch()
    await work_off(queue)

    sent, ran = spans.one("send shop"), spans.all(f"process {NAME}")
    assert [spans.parent(span) for span in ran] == [sent.context.span_id] * 3
    flows = {span.attributes["messaging.message.conversation_id"] for span in ran}
    assert flows == {handle.id}


async def test_what_a_job_does_is_within_its_attempt_in_threads_too(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    # Given
    class InLoop(Job):
        async def handle(self) -> None:
            with spans.tracer.start_as_current_span("in the loop"):
                await Step.dispatch(does=[])

    class InThread(Job):
        def handle(self) -> None:
            with spans.tracer.start_as_current_span("in a thread"):
                InLoop.dispatch_blocking()

    def plain(ctx: dict[str, Any]) -> None:
        with spans.tracer.start_as_current_span("plain"):
            pass

    # When
    await queue.enqueue("plain")
    await InThread.dispatch()
    await work_off(queue, ("plain", plain))

    # Then
    in_thread, in_loop = spans.one("in a thread"), spans.one("in the loop")
    by_id = {span.context.span_id: span for span in spans.ended}
    assert by_id[spans.parent(spans.one("plain"))].name == "process plain"
    assert by_id[spans.parent(in_thread)].name.endswith("InThread")
    assert by_id[spans.parent(in_loop)].name.endswith("InLoop")
    of_blocking, of_step = spans.all("send shop")[-2:]
    assert spans.parent(of_blocking) == in_thread.context.span_id
    assert spans.parent(of_step) == in_loop.context.span_id
    traces = {span.context.trace_id for span in (in_thread, in_loop, of_step)}
    assert len(traces) == 1


async def test_baggage_reaches_the_job_and_its_retry(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    # Given
    seen: list[object] = []

    async def look(ctx: dict[str, Any]) -> None:
        seen.append(baggage.get_baggage("tenant"))
        if len(seen) == 1:
            raise ConnectionError

    # When
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    await queue.enqueue("look", retries=2)
    context.detach(token)
    await queue.enqueue("look")
    await work_off(queue, ("look", look))

    # Then
    assert sorted(map(str, seen)) == ["None", "acme", "acme"]


async def test_an_attempt_is_no_part_of_what_started_the_worker(
    queue: RedisQueue, spans: Any, work_off: Any
) -> None:
    async def add(ctx: dict[str, Any]) -> None: ...

    uninstrument()
    for _ in range(3):
        await queue.enqueue("add")
    instrument(spans.provider)
    with spans.request():
        await work_off(queue, ("add", add))

    assert [spans.parent(span) for span in spans.all("process add")] == [None] * 3


@pytest.fixture
async def saq_queue(redis_url: str, queue: RedisQueue) -> AsyncIterator[Any]:
    plain = SaqQueue.from_url(redis_url, name=queue.name)
    yield plain
    await plain.disconnect()


async def test_a_job_that_plain_saq_has_sent_begins_a_trace(
    queue: RedisQueue, spans: Any, work_off: Any, saq_queue: Any
) -> None:
    async def add(ctx: dict[str, Any]) -> None: ...

    given = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    await saq_queue.enqueue("add")
    await saq_queue.enqueue(saq.Job("add", meta={"trace_context": given}))
    await saq_queue.enqueue(saq.Job("add", meta={"trace_context": "my own"}))
    await work_off(queue, ("add", add))

    parents = [spans.parent(span) for span in spans.all("process add")]
    assert parents == [None, int("b" * 16, 16), None]


async def test_saqs_tools_read_a_job_that_carries_a_span(
    queue: RedisQueue, spans: Any, saq_queue: Any
) -> None:
    handle = await Step.dispatch(does=[])

    job = await saq_queue.job(handle.id)
    assert job.kwargs["payload"] == {"does": []}
    [listed] = (await saq_queue.info(jobs=True))["jobs"]
    assert listed["key"] == handle.id
