from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jtc.jobs.errors import DuplicateJobName

if TYPE_CHECKING:
    from jtc.jobs.job import Job


class JobRegistry:
    """Job classes by the names under which a queue may hold them."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Job]] = {}

    def add(self, job_class: type[Job]) -> None:
        """Add a class under its path, its name and its aliases.

        A class that is defined again at the same path, as by a reload, takes the place
        of the former one.

        Raises:
            DuplicateJobName: Another class already has one of them.
        """
        definition = job_class.__jtc__
        keys = (definition.path, definition.name, *definition.options.aliases)
        for key in keys:
            holder = self._classes.get(key)
            if holder is not None and holder.__jtc__.path != definition.path:
                raise DuplicateJobName(key, holder.__jtc__.path, definition.path)
        self._forget(definition.path)
        self._classes |= dict.fromkeys(keys, job_class)

    def get(self, name: str) -> type[Job] | None:
        """Return the class called `name`: now, once, or by its path."""
        return self._classes.get(name)

    def get_all(self) -> dict[str, type[Job]]:
        """Return the classes that can run, by the names that are sent to the queue."""
        return {
            job_class.__jtc__.name: job_class
            for job_class in self._classes.values()
            if not job_class.__abstractmethods__
        }

    def near(self, name: str) -> list[str]:
        """Return up to three known names that resemble `name`."""
        return difflib.get_close_matches(name, self._classes, cutoff=0.5)

    @contextmanager
    def scoped(self) -> Iterator[None]:
        """Forget, at the end of the block, the classes that it defined."""
        before = dict(self._classes)
        try:
            yield
        finally:
            self._classes = before

    def _forget(self, path: str) -> None:
        self._classes = {
            key: job_class
            for key, job_class in self._classes.items()
            if job_class.__jtc__.path != path
        }


# Filled by the definition of a class, like the registry of schedules.
known_jobs = JobRegistry()
