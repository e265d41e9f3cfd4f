from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import metadata

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def find_loop_factory() -> LoopFactory | None:
    """Return uvloop's way to make an event loop, None where it is not installed."""
    try:
        import uvloop  # noqa: PLC0415 - it is never required
    except ImportError:
        return None
    factory: LoopFactory = uvloop.new_event_loop
    return factory


def name_running_loop() -> str:
    """Return what the running event loop is called, for people."""
    name = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return name if name == "asyncio" else f"{name} {metadata.version(name)}"
