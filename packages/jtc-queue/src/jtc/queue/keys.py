from __future__ import annotations

import re
from dataclasses import dataclass, field

from jtc.queue.errors import InvalidQueueName

# A colon would make one queue's keys a prefix of another's, and glob characters would
# make SAQ's own tools match keys of other queues.
_NAME = re.compile(r"[A-Za-z0-9_.\-{}]{1,100}")


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """The name of every key that a queue has in Redis.

    The `saq:` keys are SAQ's layout, which its tools read. The `jtc:` keys are ours.
    """

    name: str
    incomplete: str = field(init=False)
    queued: str = field(init=False)
    active: str = field(init=False)
    claims: str = field(init=False)
    workers: str = field(init=False)
    cancels: str = field(init=False)
    failed: str = field(init=False)
    due: str = field(init=False)
    seen: str = field(init=False)
    last: str = field(init=False)
    previous: str = field(init=False)
    paused: str = field(init=False)
    runs: str = field(init=False)
    succeeded: str = field(init=False)
    expected: str = field(init=False)
    overdue: str = field(init=False)
    busy: str = field(init=False)
    polled: str = field(init=False)
    definitions: str = field(init=False)
    history: str = field(init=False)
    buffer: str = field(init=False)
    flow: str = field(init=False)
    job: str = field(init=False)
    locks: str = field(init=False)
    limits: str = field(init=False)
    unique: str = field(init=False)
    sent: str = field(init=False)
    halt: str = field(init=False)
    restart: str = field(init=False)
    recent: str = field(init=False)
    failures: str = field(init=False)
    reports: str = field(init=False)
    report: str = field(init=False)
    ended: str = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise InvalidQueueName(self.name)
        for key in ("incomplete", "queued", "active"):
            object.__setattr__(self, key, f"saq:{self.name}:{key}")
        for key in ("claims", "workers", "cancels", "failed", "locks"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}")
        for key in ("due", "seen", "last", "previous", "paused", "runs", "succeeded"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}")
        for key in ("expected", "overdue", "busy"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}")
        for key in ("polled", "definitions", "sent", "halt", "restart"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}")
        # The ids of jobs that ended last; by their ids, what failed ones are found by.
        for key in ("recent", "failures"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}")
        # A task's name comes behind these, or what unique jobs have in common.
        for key in ("history", "buffer", "limits", "unique"):
            object.__setattr__(self, key, f"jtc:{self.name}:{key}:")
        # A worker's id comes behind this; the list of them is what SAQ calls stats.
        object.__setattr__(self, "report", f"saq:{self.name}:worker_info:")
        object.__setattr__(self, "reports", f"saq:{self.name}:stats")
        # A minute comes behind this, counted from the epoch.
        object.__setattr__(self, "ended", f"jtc:{self.name}:ended:")
        # A flow's id comes behind this, and a job's key behind that.
        object.__setattr__(self, "flow", f"jtc:{self.name}:flow:")
        object.__setattr__(self, "job", f"saq:job:{self.name}:")

    @property
    def ticks(self) -> list[str]:
        """The keys that `scripts/ticks.lua` works with, in its order."""
        return [
            self.previous,
            self.paused,
            self.runs,
            self.history,
            self.buffer,
            self.incomplete,
            self.queued,
            self.failed,
            self.succeeded,
        ]

    @property
    def flows(self) -> list[str]:
        """The keys that `scripts/flows.lua` works with, in its order."""
        return [
            self.flow,
            self.job,
            self.incomplete,
            self.queued,
            self.failed,
            self.claims,
            self.cancels,
            self.recent,
        ]
