from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import saq
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    SpanContext,
    get_current_span,
    set_span_in_context,
)

# Where a job keeps it in `meta`.
META = "trace_context"
_SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Origin:
    """The span that a job was sent in, as the job carries it to its workers.

    Attributes:
        fields: What propagators have written: `traceparent` and others.
        is_spent: Whether an attempt has begun that is a child of the span.
    """

    fields: Mapping[str, str]
    is_spent: bool = False

    def context(self) -> Context:
        """Return the context in which the job was sent: its span and its baggage."""
        return propagate.extract(self.fields, context=Context())

    def aside(self) -> Context:
        """Return that context without the span: what begins in it is a new trace."""
        return set_span_in_context(INVALID_SPAN, self.context())

    def span(self) -> SpanContext:
        """Return what a link to the span is made of; it may be invalid."""
        return get_current_span(self.context()).get_span_context()

    def spent(self) -> Origin:
        """Return it as it is once an attempt has begun."""
        return replace(self, is_spent=True)

    def put_into(self, job: saq.Job) -> None:
        """Let a job carry it, unless its meta holds something else in that place."""
        said = {**self.fields, _SPENT: True} if self.is_spent else {**self.fields}
        if isinstance(job.meta, dict) and isinstance(job.meta.get(META, {}), dict):
            # A new one: several jobs may have been made with the same meta.
            job.meta = {**job.meta, META: said}


def origin_of(job: saq.Job) -> Origin | None:
    """Return what a job carries; None when it carries nothing.

    Example:
        >>> job = saq.Job("f")
        >>> Origin({"traceparent": "00-..."}).spent().put_into(job)
        >>> origin_of(job)
        Origin(fields={'traceparent': '00-...'}, is_spent=True)
        >>> origin_of(saq.Job("f", meta={"trace_context": "the user's own"}))
    """
    # A job's meta is its owner's, who may make something else of it.
    said = job.meta.get(META) if isinstance(job.meta, dict) else None
    if not isinstance(said, dict):
        return None
    fields = {name: value for name, value in said.items() if isinstance(value, str)}
    return Origin(fields, said.get(_SPENT) is True) if fields else None


def inject(context: Context, jobs: Iterable[saq.Job]) -> None:
    """Let jobs carry the span and the baggage of `context`."""
    fields: dict[str, str] = {}
    propagate.inject(fields, context)
    if fields:
        origin = Origin(fields)
        for job in jobs:
            origin.put_into(job)
