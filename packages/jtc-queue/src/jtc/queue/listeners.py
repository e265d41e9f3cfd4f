from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from jtc.queue.audience import Audience, Listener
from jtc.queue.background import background_for
from jtc.queue.errors import InvalidListener
from jtc.queue.events import Event
from jtc.queue.job_fields import current_job
from jtc.queue.threads import as_async
from jtc.schedule.function import accepts, is_generator

logger = logging.getLogger(__name__)

L = TypeVar("L", bound=Callable[..., Any])

_audience = Audience()


def listen(*kinds: type[Event]) -> Callable[[L], L]:
    """Have a function called with each event of these kinds that happens here.

    Events are of this process: those of its worker, and of its connections. The
    function may be asynchronous, otherwise it runs in a thread. It runs beside the
    work, which neither its time nor its errors hold up; when a thousand calls have not
    ended yet, further ones are dropped, with a warning. It stays until `unlisten`.

    Args:
        kinds: Classes of events; a base class stands for all that are made of it.

    Raises:
        InvalidListener: There is no class, or something else, or nothing that can be
            called with an event.

    Example:
        >>> from jtc.events import JobFailed, listen, unlisten
        >>> @listen(JobFailed)
        ... async def page_somebody(event: JobFailed) -> None:
        ...     print(event.name, event.message)
        >>> unlisten(page_somebody)
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise InvalidListener(kind, "is no class of events: see jtc.events")
    if not kinds:
        raise InvalidListener("listen()", "names no events: write @listen(JobFailed)")

    def register(listener: L) -> L:
        _check(listener)
        _audience.add(listener, kinds)
        return listener

    return register


def unlisten(listener: Callable[..., Any]) -> None:
    """Have a function called no more; nothing happens if it was not."""
    _audience.remove(listener)


def is_heard(kind: type[Event]) -> bool:
    """Tell whether anybody listens to events of this kind."""
    # Asked for each job, and most processes have no listener at all.
    return not _audience.is_empty and bool(_audience.of(kind))


def announce(event: Event) -> None:
    """Call those who listen to `event`, beside the work."""
    listeners = _audience.of(type(event))
    if not listeners:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Nothing that would call them runs in this thread.
        return
    background = background_for("listeners")
    for listener in listeners:
        background.start(
            _call(listener, event), f"a listener to {type(event).__name__}"
        )


def _check(listener: object) -> None:
    if not callable(listener) or not accepts(listener, "event"):
        raise InvalidListener(listener, "cannot be called with an event")
    if is_generator(listener):
        raise InvalidListener(listener, "yields, so that a call would not run it")


async def _call(listener: Listener, event: Event) -> None:
    # It may be called from within a job, and need not be told of that one.
    current_job.set(None)
    try:
        await as_async(listener, is_job=False)(event)
    # A library that calls sys.exit means the listener, not the worker.
    except (Exception, SystemExit):
        logger.exception(
            "A listener to %s failed.",
            type(event).__name__,
            extra={"action": "listener_failed", "event": type(event).__name__},
        )
