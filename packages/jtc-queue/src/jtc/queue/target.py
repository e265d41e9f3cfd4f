from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jtc.schedule import ScheduledTask
from jtc.schedule.secret import secret_parameters


@dataclass(frozen=True, slots=True)
class Target:
    """What the ticks of a schedule run.

    Attributes:
        kind: `"task"` for the function of a task in code, `"job"` for a `Job` class.
        name: The task's name, or what the queue calls the class.
        secret: The names in the payload that are marked `Secret`.

    Example:
        >>> str(Target("job", "shop.jobs.SendInvoice"))
        'job shop.jobs.SendInvoice'
    """

    kind: Literal["task", "job"]
    name: str
    secret: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @classmethod
    def of_task(cls, task: ScheduledTask) -> Target:
        """Return what the ticks of a task in code run: its own function."""
        return cls("task", task.name, secret_parameters(task.func))

    def as_data(self) -> list[Any]:
        """Return it as a definition carries it; `read` takes it back."""
        named: list[Any] = [self.kind, self.name]
        return [*named, list(self.secret)] if self.secret else named

    @classmethod
    def read(cls, data: Sequence[Any]) -> Target:
        """Read what `as_data` wrote.

        Raises:
            ValueError: It is something else.
        """
        kind, name, *secret = data
        return cls(kind, name, tuple(map(str, *secret)) if secret else ())

    @property
    def function(self) -> str:
        """The function that workers are asked to run."""
        return f"task:{self.name}" if self.kind == "task" else "runner"
