from __future__ import annotations

import asyncio
import atexit
import os
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run_blocking(
    function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run an asynchronous function from synchronous code and wait for its result.

    All calls of a process share one event loop in a thread of its own, and with it the
    connections. A forked process gets one of its own.

    Raises:
        RuntimeError: An event loop runs in this thread, which waiting would block.
        Exception: Whatever the function raised.
    """
    refuse_running_loop(function.__name__)
    loop = _portal.loop()
    return asyncio.run_coroutine_threadsafe(function(*args, **kwargs), loop).result()


def refuse_running_loop(name: str) -> None:
    """Refuse a call from an event loop, which it would block.

    Args:
        name: What is to be awaited there instead.

    Raises:
        RuntimeError: An event loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"{name}_blocking() would block the event loop of this thread: "
        f"await {name}() instead."
    )


class _Portal:
    """An event loop in a thread, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None
        os.register_at_fork(after_in_child=self._forget)

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._thread is None:
                self._thread = _LoopThread()
                self._thread.start()
            return self._thread.loop

    def close(self) -> None:
        """Let the loop end, and with it its connections."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.loop.call_soon_threadsafe(thread.loop.stop)
            thread.join()

    def _forget(self) -> None:
        # A forked child has the parent's lock, perhaps held, and none of its threads.
        thread, self._lock, self._thread = self._thread, threading.Lock(), None
        if thread is not None:
            thread.let_go()


class _LoopThread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="jtc-dispatch", daemon=True)
        self._selector = selectors.DefaultSelector()
        self.loop = asyncio.SelectorEventLoop(self._selector)

    def let_go(self) -> None:
        """Share nothing any more with the process that this one was forked from.

        The two watch sockets through one object of the kernel: what is cleaned up in
        the child would make the parent deaf.
        """
        self._selector.close()
        vars(self._selector).update(vars(selectors.DefaultSelector()))

    def run(self) -> None:
        # At its end it closes what the loop has open.
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.get_loop().run_forever()


_portal = _Portal()
atexit.register(_portal.close)
