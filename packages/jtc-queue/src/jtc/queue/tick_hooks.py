from __future__ import annotations

import asyncio
import logging
from typing import Any

from jtc.queue.threads import GIVE_UP, Function, as_async
from jtc.queue.tick_record import TickRecord
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that hooks get to end when their worker stops."""
_MOST = 1000


class TickHooks:
    """Tells tasks of their ticks that did not run, beside everything else.

    Neither a slow hook nor one that fails delays a tick.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def tell(self, task: ScheduledTask, record: TickRecord) -> None:
        """Call the task's `on_skipped` or `on_missed`, if it has one."""
        options = task.options
        was_missed = record.outcome.startswith("missed:")
        hook = options.on_missed if was_missed else options.on_skipped
        if hook is None:
            return
        if len(self._running) >= _MOST:
            logger.warning(
                "Did not call a hook of task %s: %d others have not ended yet.",
                task.name,
                _MOST,
                extra={"action": "tick_hook_dropped", "task": task.name},
            )
            return
        running = asyncio.create_task(call_hook(hook, task.name, record))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Let the hooks that run end; those that do not are given up."""
        if not self._running:
            return
        _, left = await asyncio.wait(self._running, timeout=PATIENCE)
        # The first time cancels a hook, the second its wait for a thread.
        for running in left:
            running.cancel()
        await asyncio.sleep(0)
        for running in left:
            running.cancel(GIVE_UP)
        if left:
            await asyncio.wait(left, timeout=PATIENCE)


async def call_hook(hook: Function, name: str, *args: Any) -> None:
    """Call a hook of a task, a blocking one in a thread; what it raises is logged."""
    try:
        await as_async(hook)(*args)
    # A library that calls sys.exit means the hook, not the worker.
    except (Exception, SystemExit):
        logger.exception(
            "A hook of task %s failed.",
            name,
            extra={"action": "tick_hook_failed", "task": name},
        )
