from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def handle_signals(handler: Callable[[], None]) -> Iterator[None]:
    """Call `handler` at SIGINT and SIGTERM for as long as the context lasts.

    Only a loop in the main thread can. A worker that runs elsewhere is stopped by its
    `stop` method.
    """
    loop = asyncio.get_running_loop()
    added = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(signum, handler)
            added.append(signum)
    try:
        yield
    finally:
        for signum in added:
            loop.remove_signal_handler(signum)
