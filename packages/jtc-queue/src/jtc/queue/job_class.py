"""What a schedule has to know of a `Job` class; the engine does not know `Job`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class JobOptionsLike(Protocol):
    """How the jobs of a class are queued and run."""

    @property
    def queue(self) -> str | None:
        """The queue they belong to; the process's own when None."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds that one attempt may take."""
        ...

    @property
    def tries(self) -> int:
        """How many attempts a job has."""
        ...

    @property
    def backoff(self) -> Any:
        """When the next attempt begins."""
        ...


class JobPayload(Protocol):
    """How the payloads of a class are written for the queue."""

    @property
    def secret(self) -> tuple[str, ...]:
        """The fields that are marked `Secret`."""
        ...

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values and return what JSON can carry."""
        ...


class JobDefinitionLike(Protocol):
    """What is known of a class."""

    @property
    def name(self) -> str:
        """What the class is called in the queue."""
        ...

    @property
    def options(self) -> JobOptionsLike:
        """How its jobs are queued and run."""
        ...

    @property
    def payload(self) -> JobPayload:
        """How its payloads are written."""
        ...

    def check_runnable(self) -> None:
        """Refuse a class whose jobs could not run."""


class JobClass(Protocol):
    """A subclass of `jtc.jobs.Job`."""

    @property
    def __jtc__(self) -> JobDefinitionLike:
        """What is known of it."""
        ...
