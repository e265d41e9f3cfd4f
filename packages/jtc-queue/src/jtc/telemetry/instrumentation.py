from __future__ import annotations

from importlib.metadata import version

from opentelemetry.trace import TracerProvider, get_tracer

from jtc.queue.tracing import set_tracing
from jtc.telemetry.span_tracing import SpanTracing


def instrument(tracer_provider: TracerProvider | None = None) -> None:
    """Make a span of whatever this process sends to its queues, and of each attempt.

    Called again, it goes on with another provider.

    Args:
        tracer_provider: What the spans are given to; the global one unless given, also
            when that is set later.

    Example:
        >>> from jtc.telemetry import instrument, uninstrument
        >>> instrument()
        >>> uninstrument()
    """
    set_tracing(SpanTracing(get_tracer("jtc", version("jtc-queue"), tracer_provider)))


def uninstrument() -> None:
    """Make no more spans; those that have begun still end."""
    set_tracing(None)


class Instrumentor:
    """What `opentelemetry-instrument` finds by the entry point, and calls."""

    def instrument(
        self, *, tracer_provider: TracerProvider | None = None, **_: object
    ) -> None:
        """Do what `instrument` does; other options are for other libraries."""
        instrument(tracer_provider)

    def uninstrument(self, **_: object) -> None:
        """Do what `uninstrument` does."""
        uninstrument()
