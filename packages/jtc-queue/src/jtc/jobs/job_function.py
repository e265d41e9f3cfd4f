from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jtc.jobs.job import Job
from jtc.jobs.runner import runner


@dataclass(frozen=True, slots=True)
class JobFunction:
    """The function of a task that runs a job as if it had been dispatched."""

    job_class: type[Job]

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """What messages name as the place of the task."""
        return self.job_class.handle

    async def __call__(self, ctx: Mapping[str, Any], /, **payload: Any) -> Any:
        """Run one attempt.

        Raises:
            Exception: As `runner`.
        """
        name = self.job_class.__jtc__.name
        return await runner(ctx, job_class=name, payload=payload)
