from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager

import saq
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Tracer, set_span_in_context

from jtc.queue.attempt import Attempt
from jtc.queue.claimed_job import ClaimedJob
from jtc.queue.failed_job import subject_of
from jtc.queue.redis_queue import RedisQueue
from jtc.queue.secret_fields import veil_of
from jtc.queue.settlement import Settlement
from jtc.telemetry.attributes import (
    describe_attempt,
    describe_creation,
    describe_sending,
)
from jtc.telemetry.harmless import harmless
from jtc.telemetry.open_span import OpenSpan
from jtc.telemetry.origin import Origin, inject, origin_of


class SpanTracing:
    """Makes spans of what a queue sends and runs.

    A job carries the span that it was sent in. Its first attempt is a child of that
    span; each further one is a trace of its own with a link to it. What runs a tick,
    which nobody has sent, is a trace of its own from the first.

    Args:
        tracer: Makes the spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @harmless
    def created(self, job: saq.Job, *, queue: str) -> None:
        """Make a span of no length, which the job carries until it is sent."""
        span = self._tracer.start_span(
            f"create {queue}",
            kind=SpanKind.PRODUCER,
            attributes=describe_creation(job, queue),
        )
        inject(set_span_in_context(span), [job])
        span.end()

    @contextmanager
    def sending(
        self,
        queue: RedisQueue,
        jobs: saq.Job | Sequence[saq.Job],
        *,
        flow: str | None = None,
        again: bool = False,
    ) -> Iterator[None]:
        """Surround a call with a span, which those jobs carry that carry none yet."""
        opened = self._begin_sending(queue, jobs, flow, again) if jobs else None
        try:
            yield
        except BaseException as error:
            if opened is not None:
                self._end_sending(opened, error)
            raise
        if opened is not None:
            self._end_sending(opened, None)

    async def attempt(
        self, attempt: Attempt, run: Awaitable[Settlement | None]
    ) -> Settlement | None:
        """Surround an attempt with a span, which is the current one in its function."""
        opened = self._begin_attempt(attempt.job)
        settlement = None
        try:
            settlement = await run
        finally:
            if opened is not None:
                self._end_attempt(opened, attempt, settlement)
        return settlement

    @harmless
    def _begin_sending(
        self,
        queue: RedisQueue,
        jobs: saq.Job | Sequence[saq.Job],
        flow: str | None,
        again: bool,  # noqa: FBT001 - as `sending` was told
    ) -> OpenSpan:
        many = [jobs] if isinstance(jobs, saq.Job) else jobs
        found = [(job, origin_of(job)) for job in many]
        new = [job for job, origin in found if again or origin is None]
        span = self._tracer.start_span(
            f"send {queue.name}",
            # The conventions call PRODUCER what is linked to or followed by a CONSUMER.
            kind=SpanKind.PRODUCER if new else SpanKind.CLIENT,
            attributes=describe_sending(queue, jobs, flow),
            links=[_link(job, origin) for job, origin in found if origin is not None],
        )
        context = set_span_in_context(span)
        inject(context, new)
        return OpenSpan.within(context)

    @harmless
    def _end_sending(self, opened: OpenSpan, error: BaseException | None) -> None:
        try:
            if error is not None:
                opened.fail(error)
        finally:
            opened.end()

    @harmless
    def _begin_attempt(self, job: ClaimedJob) -> OpenSpan:
        origin = origin_of(job)
        context, links = Context(), []
        if origin is not None and _is_first(job, origin):
            context = origin.context()
        elif origin is not None:
            context, links = origin.aside(), [_link(job, origin)]
        if origin is not None:
            origin.spent().put_into(job)
        span = self._tracer.start_span(
            f"process {subject_of(job)}",
            context,
            kind=SpanKind.CONSUMER,
            attributes=describe_attempt(job),
            links=links,
        )
        return OpenSpan.within(set_span_in_context(span, context))

    @harmless
    def _end_attempt(
        self, opened: OpenSpan, attempt: Attempt, settlement: Settlement | None
    ) -> None:
        outcome = settlement.outcome if settlement is not None else None
        # Without one, the job is another worker's: this attempt counts for nothing.
        try:
            opened.span.set_attribute("jtc.outcome", outcome or "lost")
            if attempt.error is not None and outcome in ("failed", "retried"):
                opened.fail(attempt.error, veil_of(attempt.job))
        finally:
            opened.end()


def _is_first(job: ClaimedJob, origin: Origin) -> bool:
    # A worker that dies does not always leave a document that says it has begun.
    return job.attempt <= 1 and not origin.is_spent and "kills" not in job.meta


def _link(job: saq.Job, origin: Origin) -> Link:
    return Link(origin.span(), {"messaging.message.id": job.key})
