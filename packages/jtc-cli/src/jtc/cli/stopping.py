from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handlers = Mapping[int, Any]


class _Stopped(KeyboardInterrupt):
    """Raised by SIGTERM and SIGINT while nothing has begun that they could drain."""


@contextlib.contextmanager
def stop_at_sigterm(*, once: bool = False) -> Iterator[None]:
    """Let SIGTERM and Ctrl+C end the block as its end would.

    The worker has handlers of its own while it works. These are for what comes before:
    starting a server, importing modules.

    Args:
        once: Whether what comes after the first signal is ignored, for good: where a
            signal comes twice, the second must not disturb what the first has begun.
    """

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler
        if once:
            former.update(dict.fromkeys(SIGNALS, ignore))
            _handle(former)
        raise _Stopped

    former: dict[int, Any] = {signum: signal.getsignal(signum) for signum in SIGNALS}
    _handle(dict.fromkeys(SIGNALS, stop))
    try:
        yield
    except _Stopped:
        return
    finally:
        _handle(former)


@contextlib.contextmanager
def holding_back_signals() -> Iterator[None]:
    """Let signals wait until the block has ended, and in processes it starts.

    Such a process has nothing to handle them with while it starts: it is to call
    `take_signals` when it has.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        take_signals()


def take_signals() -> None:
    """Let signals through, also those that have come in the meantime."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def ignore(signum: int, frame: FrameType | None) -> None:
    """Do nothing; SIG_IGN would complain of a signal that has come just before."""


def _handle(handlers: Handlers) -> None:
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
