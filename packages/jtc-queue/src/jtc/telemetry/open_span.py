from __future__ import annotations

from contextvars import Token
from typing import NamedTuple

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, Status, StatusCode, get_current_span

from jtc.queue.failure import describe_failure, headline
from jtc.queue.veil import NO_VEIL, Veil


class OpenSpan(NamedTuple):
    """A span that has begun, and what makes it the current one."""

    span: Span
    token: Token[Context]

    @classmethod
    def within(cls, context: Context) -> OpenSpan:
        """Make the span of `context` the current one."""
        return cls(get_current_span(context), attach(context))

    def fail(self, error: BaseException, veil: Veil = NO_VEIL) -> None:
        """Note an error, as far as `veil` lets it be seen."""
        if not self.span.is_recording():
            return
        shown = veil.error(error)
        self.span.record_exception(shown)
        self.span.set_status(Status(StatusCode.ERROR, headline(shown)))
        kind = describe_failure(error).exception
        self.span.set_attribute("error.type", kind or "_OTHER")

    def end(self) -> None:
        """End the span; the one that was the current one before is so again."""
        detach(self.token)
        self.span.end()
