from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from jtc.cli.worker_options import WorkerOptions


@contextmanager
def own_server(options: WorkerOptions, *, embedded: bool) -> Iterator[WorkerOptions]:
    """Start a server of our own, if one is wanted, for as long as the context lasts.

    Returns:
        The options, with the server's URL in them.
    """
    if not embedded:
        yield options
        return
    # Who looks after worker processes and starts no server does not pay for the import.
    from jtc.queue.embedded import EmbeddedServer  # noqa: PLC0415

    with EmbeddedServer() as server:
        yield replace(options, redis=server.url)
