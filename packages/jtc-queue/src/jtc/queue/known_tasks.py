from __future__ import annotations

from collections.abc import Mapping, Sequence

from jtc.queue.settings import Settings
from jtc.schedule import ScheduledTask, ScheduleRegistry


class KnownTasks:
    """The tasks in this process's code, as one queue sees them.

    Args:
        queue_name: The queue.
        tasks: The tasks; those of the registry, whenever asked, unless given.
        settings: What zone tasks are in that name none.
    """

    def __init__(
        self,
        queue_name: str,
        tasks: Sequence[ScheduledTask] | None,
        settings: Settings,
    ) -> None:
        self._queue_name = queue_name
        self._tasks = tasks
        self._timezone = settings.timezone

    def get(self, name: str) -> ScheduledTask | None:
        """Return the task of that name; None when it is none of this queue."""
        return self.all().get(name)

    def all(self) -> Mapping[str, ScheduledTask]:
        """Return the tasks that are scheduled in this queue, by name."""
        return {
            task.name: task.in_timezone(self._timezone)
            for task in self._listed()
            if task.options.queue in (None, self._queue_name)
        }

    def queue_of(self, name: str) -> str | None:
        """Return the other queue in which a task is scheduled, if there is one."""
        for task in self._listed():
            if task.name == name and task.options.queue != self._queue_name:
                return task.options.queue
        return None

    def _listed(self) -> Sequence[ScheduledTask]:
        return ScheduleRegistry.get_all() if self._tasks is None else self._tasks
