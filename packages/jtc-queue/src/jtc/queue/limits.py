from __future__ import annotations

from dataclasses import dataclass

from jtc.queue.duration import as_seconds
from jtc.queue.errors import InvalidSetting

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """When a worker has done enough and ends, so that a fresh one takes its place.

    It keeps what leaks in a long life within bounds. None is no limit.

    Attributes:
        max_jobs: How many attempts it begins.
        max_time: Seconds that it works.
        max_memory: Bytes of memory that its process takes.

    Raises:
        InvalidSetting: One of them is no positive number.

    Example:
        >>> Limits(max_jobs=1000).reached(jobs=1000, seconds=60.0, memory=0)
        'it has begun 1000 job(s)'
    """

    max_jobs: int | None = None
    max_time: float | None = None
    max_memory: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_jobs", "max_memory"):
            value = getattr(self, name)
            if value is not None and not _is_count(value):
                raise InvalidSetting(name, value, "a whole number from 1")
        if self.max_time is not None and not as_seconds(self.max_time):
            raise InvalidSetting("max_time", self.max_time, "a number of seconds")

    def check(self, *, memory: int) -> None:
        """Refuse a limit that a worker meets before its first job.

        Args:
            memory: Bytes that its process takes now.

        Raises:
            InvalidSetting: The worker would end as soon as it has started.
        """
        if self.max_memory is not None and memory >= self.max_memory:
            raise InvalidSetting(
                "max_memory",
                f"{self.max_memory // MEGABYTE} MB",
                f"more than the {memory // MEGABYTE} MB that a worker takes before its "
                "first job",
            )

    def reached(self, *, jobs: int, seconds: float, memory: int) -> str | None:
        """Return which limit has been reached, None if none has.

        Args:
            jobs: How many attempts have begun.
            seconds: How long the worker has worked.
            memory: Bytes that its process takes.
        """
        if self.max_jobs is not None and jobs >= self.max_jobs:
            return f"it has begun {jobs} job(s)"
        if self.max_time is not None and seconds >= self.max_time:
            return f"it has worked for {self.max_time:g} s"
        if self.max_memory is not None and memory >= self.max_memory:
            return f"it takes {memory // MEGABYTE} MB of memory"
        return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
