from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from jtc.jobs import (
    ContainerNotSet,
    JobManager,
    default_container,
    get_container,
    set_container,
)
from jtc.jobs.clients import LoopClient, LoopClients
from jtc.queue.wall_clock import wall_clock
from jtc.testing.clock import Clock
from jtc.testing.errors import FakeUnavailable
from jtc.testing.queue_fake import QueueFake
from jtc.testing.record import Record


@contextmanager
def fake_queue(clock: Clock | None = None) -> Iterator[QueueFake]:
    """Let this process dispatch to a server in its own memory inside the block.

    Whatever the URL, in every thread and event loop. Jobs are built by the container
    that is set, or else by the default one.

    Args:
        clock: The time of the server; one that begins now unless given.

    Raises:
        FakeUnavailable: The extra `jtc-queue[testing]` is not installed.

    Example:
        >>> import asyncio
        >>> from jtc.jobs import Job
        >>> class SendInvoice(Job):
        ...     order_id: int
        ...
        ...     async def handle(self) -> str:
        ...         return f"invoice {self.order_id}"
        >>> async def order() -> None:
        ...     await SendInvoice.dispatch(order_id=7)
        ...     print([one.result for one in await queue.run_pending()])
        >>> with fake_queue() as queue:
        ...     asyncio.run(order())
        ...     _ = queue.assert_dispatched(SendInvoice, order_id=7)
        ['invoice 7']
    """
    clock = clock or Clock()
    record = Record(clock)
    with ExitStack() as stack:
        stack.enter_context(wall_clock(clock.time))
        clients = LoopClients(_connect(clock, record))
        stack.enter_context(JobManager.scoped(clients))
        JobManager.initialize()
        stack.enter_context(_some_container())
        yield QueueFake(record, clock)


def _connect(clock: Clock, record: Record) -> Callable[[str], LoopClient]:
    try:
        # fakeredis runs no scripts without it.
        importlib.import_module("lupa")
        from jtc.testing.fake_server import ClockServer  # noqa: PLC0415 - of an extra
        from jtc.testing.recording_queue import (  # noqa: PLC0415
            RecordingClient,
        )
    except ImportError as error:
        raise FakeUnavailable(error.name or str(error)) from error
    server = ClockServer(clock)
    return lambda _: RecordingClient(server, record)


@contextmanager
def _some_container() -> Iterator[None]:
    """Have a container, as a worker always has."""
    is_ours = _is_container_missing()
    if is_ours:
        set_container(default_container())
    try:
        yield
    finally:
        if is_ours:
            set_container(None)


def _is_container_missing() -> bool:
    try:
        get_container()
    except ContainerNotSet:
        return True
    return False
