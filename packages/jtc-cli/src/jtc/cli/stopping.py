from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class _Stopped(KeyboardInterrupt):
    """Raised by SIGTERM and SIGINT while nothing has begun that they could drain."""


@contextlib.contextmanager
def stop_at_sigterm() -> Iterator[None]:
    """Let SIGTERM and Ctrl+C end the block as its end would.

    The worker has handlers of its own while it works. These are for what comes before:
    starting a server, importing modules.
    """
    former = {
        signum: signal.signal(signum, _raise)
        for signum in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    except _Stopped:
        return
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


def _raise(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler
    raise _Stopped
