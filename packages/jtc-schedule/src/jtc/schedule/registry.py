from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import ClassVar

from jtc.schedule.errors import DuplicateTask, InvalidTask
from jtc.schedule.function import place_of
from jtc.schedule.task import ScheduledTask


class TaskRegistry:
    """Tasks by name, in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[str, ScheduledTask] = {}
        self._lock = Lock()

    def register(self, task: ScheduledTask) -> None:
        """Add a task.

        Raises:
            DuplicateTask: Its name is taken; the message names both places.
            InvalidTask: It is not a `ScheduledTask`.
        """
        if not isinstance(task, ScheduledTask):
            raise InvalidTask(repr(task), "register takes a ScheduledTask")
        with self._lock:
            held = self._tasks.get(task.name)
            if held is None:
                self._tasks[task.name] = task
                return
        raise DuplicateTask(
            task.name, first=place_of(held.func), second=place_of(task.func)
        )

    def get_task(self, name: str) -> ScheduledTask | None:
        """Return the task of that name, None if there is none."""
        with self._lock:
            return self._tasks.get(name)

    def get_all(self) -> list[ScheduledTask]:
        """Return every task in the order of registration; the list is a copy."""
        with self._lock:
            return list(self._tasks.values())

    def clear(self) -> None:
        """Forget every task."""
        with self._lock:
            self._tasks.clear()


class ScheduleRegistry:
    """The registry of this process, which the decorators fill and workers read.

    Example:
        >>> with ScheduleRegistry.scoped():
        ...     ScheduleRegistry.register(ScheduledTask(print, 60))
        ...     ScheduleRegistry.get_all()
        [<ScheduledTask print schedule=60s>]
    """

    _current: ClassVar[TaskRegistry] = TaskRegistry()

    @classmethod
    def register(cls, task: ScheduledTask) -> None:
        """Add a task.

        Raises:
            DuplicateTask: Its name is taken; the message names both places.
            InvalidTask: It is not a `ScheduledTask`.
        """
        cls._current.register(task)

    @classmethod
    def get_task(cls, name: str) -> ScheduledTask | None:
        """Return the task of that name, None if there is none."""
        return cls._current.get_task(name)

    @classmethod
    def get_all(cls) -> list[ScheduledTask]:
        """Return every task in the order of registration; the list is a copy."""
        return cls._current.get_all()

    @classmethod
    def clear(cls) -> None:
        """Forget every task."""
        cls._current.clear()

    @classmethod
    @contextmanager
    def scoped(cls) -> Iterator[TaskRegistry]:
        """Work with an empty registry, then with the former one again.

        For tests: the whole process sees the empty one, in every thread. Scopes
        may be nested, but not interleaved.
        """
        former = ScheduleRegistry._current
        ScheduleRegistry._current = TaskRegistry()
        try:
            yield ScheduleRegistry._current
        finally:
            ScheduleRegistry._current = former
