from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """What the ticks of a schedule run.

    Attributes:
        kind: `"task"` for the function of a task in code, `"job"` for a `Job` class.
        name: The task's name, or what the queue calls the class.

    Example:
        >>> str(Target("job", "shop.jobs.SendInvoice"))
        'job shop.jobs.SendInvoice'
    """

    kind: Literal["task", "job"]
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def function(self) -> str:
        """The function that workers are asked to run."""
        return f"task:{self.name}" if self.kind == "task" else "runner"
