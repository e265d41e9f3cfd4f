from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jtc.cli.discovery import Discovery, discover
from jtc.cli.errors import NotInModules
from jtc.queue import load_settings
from jtc.schedule import ScheduledTask, ScheduleRegistry, TaskNotFound


@dataclass(frozen=True, slots=True)
class DeclaredTasks:
    """The tasks that the user's modules declare, and which queue each belongs to.

    Attributes:
        tasks: In the order in which they were registered; each says its time zone.
        queue: The queue that was named, or that of the settings.
        was_named: Whether somebody named it; tasks of other queues are then not meant.
        environment: What `JTC_ENV` says.
        discovery: Where they were looked for.
    """

    tasks: tuple[ScheduledTask, ...]
    queue: str
    was_named: bool
    environment: str | None
    discovery: Discovery

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that are meant, the one of the settings first."""
        if self.was_named:
            return (self.queue,)
        named = (task.options.queue for task in self.tasks)
        return tuple(dict.fromkeys((self.queue, *filter(None, named))))

    @property
    def meant(self) -> list[ScheduledTask]:
        """The tasks of these queues."""
        return [task for task in self.tasks if self.queue_of(task) in self.queues]

    def get(self, name: str) -> ScheduledTask | None:
        """Return the task of that name, None if no module declares it."""
        return next((task for task in self.tasks if task.name == name), None)

    def require(self, name: str) -> ScheduledTask:
        """Return the task of that name.

        Raises:
            NotInModules: No module declares it.
        """
        if task := self.get(name):
            return task
        error = TaskNotFound(name, known=[task.name for task in self.tasks])
        raise NotInModules(name, error)

    def known_in(self, queue: str) -> list[ScheduledTask]:
        """Return what is scheduled in a queue, and the tasks that name another one.

        Whoever looks for one of the latter can be told where it is.
        """
        return [
            task for task in self.tasks if task.options.queue or queue == self.queue
        ]

    def queue_of(self, task: ScheduledTask) -> str:
        """Return where a task is scheduled; if it does not say, where workers are."""
        return task.options.queue or self.queue


def load_tasks(apps: Sequence[str], queue: str | None = None) -> DeclaredTasks:
    """Import the modules that declare tasks, as a worker does.

    Args:
        apps: Modules, files or folders; found as a worker does if there are none.
        queue: The queue's name; that of the settings unless given.

    Raises:
        DiscoveryError: A module is missing or cannot be imported.
        SettingsError: A setting has the wrong form.
    """
    # Before the modules: what they do at import must not change what is meant.
    settings = load_settings(queue_name=queue, directory=Path.cwd())
    discovery = discover(apps)
    tasks = ScheduleRegistry.get_all()
    return DeclaredTasks(
        tasks=tuple(task.in_timezone(settings.timezone) for task in tasks),
        queue=settings.queue_name,
        was_named=queue is not None,
        environment=settings.environment,
        discovery=discovery,
    )
