from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jtc.queue.failure_line import FailureLine


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """Failed jobs that run the same and failed with the same type of error.

    Attributes:
        name: The class, or the function of jobs that have none; None for what is no job
            of the queue.
        exception: The type of the error with its module; None when a worker died.
        count: How many there are.
        first: When the first of them failed, in UTC.
        last: When the last of them failed, in UTC.
        example: The id of the one that failed last.
        message: What its error said.
    """

    name: str | None
    exception: str | None
    count: int
    first: datetime
    last: datetime
    example: str
    message: str

    @property
    def key(self) -> tuple[str | None, str | None]:
        """What `FailedPages` and `FailedJobs` take as `group`."""
        return self.name, self.exception


def gather_groups(lines: Iterable[FailureLine]) -> Sequence[FailedGroup]:
    """Return the groups of failed jobs, the largest first.

    Args:
        lines: The failed jobs, the latest first.
    """
    groups: defaultdict[tuple[str | None, str | None], list[FailureLine]]
    groups = defaultdict(list)
    for line in lines:
        groups[line.name, line.exception].append(line)
    found = [_group(key, members) for key, members in groups.items()]
    return sorted(found, key=lambda one: one.count, reverse=True)


def _group(
    key: tuple[str | None, str | None], lines: Sequence[FailureLine]
) -> FailedGroup:
    latest = lines[0]
    return FailedGroup(
        *key,
        count=len(lines),
        first=lines[-1].failed_at,
        last=latest.failed_at,
        example=latest.id,
        message=latest.message,
    )
