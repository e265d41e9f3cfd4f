from __future__ import annotations

import logging
from typing import Any

from jtc.queue.background import Background
from jtc.queue.job_fields import shown_error
from jtc.queue.threads import Function, as_async
from jtc.queue.tick_record import TickRecord
from jtc.schedule import ScheduledTask

logger = logging.getLogger(__name__)


class TickHooks:
    """Tells tasks of their ticks that did not run, beside everything else."""

    def __init__(self) -> None:
        self._background = Background()

    def tell(self, task: ScheduledTask, record: TickRecord) -> None:
        """Call the task's `on_skipped` or `on_missed`, if it has one."""
        options = task.options
        was_missed = record.outcome.startswith("missed:")
        hook = options.on_missed if was_missed else options.on_skipped
        if hook is not None:
            call = call_hook(hook, task.name, record)
            self._background.start(call, f"a hook of task {task.name}")

    async def close(self) -> None:
        """Let the hooks that run end; those that do not are given up."""
        await self._background.close()


async def call_hook(hook: Function, name: str, *args: Any) -> None:
    """Call a hook of a task, a blocking one in a thread; what it raises is logged."""
    try:
        await as_async(hook)(*args)
    # A library that calls sys.exit means the hook, not the worker.
    except (Exception, SystemExit) as error:
        logger.error(
            "A hook of task %s failed.",
            name,
            exc_info=shown_error(error),
            extra={"action": "tick_hook_failed", "task": name},
        )
