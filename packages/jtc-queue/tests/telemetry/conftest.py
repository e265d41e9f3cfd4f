from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, SpanKind

from jtc.jobs import JobManager, default_container, known_jobs, runner, set_container
from jtc.queue import RedisQueue, Worker
from jtc.telemetry import instrument, uninstrument


@pytest.fixture(autouse=True)
def process_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins like a new process."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("QUEUE_NAME", raising=False)
    with known_jobs.scoped():
        yield
    uninstrument()
    set_container(None)
    JobManager._settings = None


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[RedisQueue]:
    """This process's queue, empty."""
    JobManager.initialize(redis_url, "shop")
    yield JobManager.get_queue()
    await JobManager.close()


class Spans:
    """The spans that this process has made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("the user's own")

    @property
    def ended(self) -> Sequence[ReadableSpan]:
        """Those that have ended, in that order."""
        return self._exporter.get_finished_spans()

    def all(self, name: str) -> list[ReadableSpan]:
        """Those of this name."""
        return [span for span in self.ended if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """The only one of this name."""
        found = self.all(name)
        assert len(found) == 1, [span.name for span in self.ended]
        return found[0]

    def of(self, kind: SpanKind) -> list[ReadableSpan]:
        """Those of this kind."""
        return [span for span in self.ended if span.kind == kind]

    def parent(self, span: ReadableSpan) -> int | None:
        """The id of a span's parent; None when it begins a trace."""
        return span.parent.span_id if span.parent else None

    def links(self, span: ReadableSpan) -> list[int]:
        """The ids of the spans that a span is linked to."""
        return [link.context.span_id for link in span.links]

    def request(self) -> AbstractContextManager[Span]:
        """What a web framework's instrumentation does around a request."""
        return self.tracer.start_as_current_span("GET /", kind=SpanKind.SERVER)


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans of this process, which is instrumented."""
    spans = Spans()
    instrument(spans.provider)
    yield spans
    spans.provider.shutdown()


@pytest.fixture
def work_off() -> Any:
    """Run a worker until the queue is empty, retries included."""

    async def run(queue: RedisQueue, *functions: Any) -> None:
        set_container(default_container())
        known = [("runner", runner), *functions]
        async with asyncio.timeout(30):
            while await queue.count("incomplete"):
                await Worker(queue, known, burst=True).start()

    return run
