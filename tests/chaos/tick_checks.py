from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from evidence import Evidence
from finding import Finding
from ledger import JOB


def each_tick_is_enqueued_once(evidence: Evidence) -> Iterator[Finding]:
    """From the first to the last of a task, none is doubled and none is missing."""
    for task, step in evidence.facts["tasks"].items():
        counts = count_ticks(evidence, task)
        if not counts:
            yield Finding(f"Task {task} never ran.")
            continue
        recorded = set(evidence.facts["history"].get(task, ()))
        for nominal in range(min(counts), max(counts) + 1, step):
            count = counts[nominal]
            if count > 1 or (count == 0 and nominal not in recorded):
                yield Finding(f"Tick {nominal} of {task} was enqueued {count} times.")


def count_ticks(evidence: Evidence, task: str) -> Counter[int]:
    """Return how often each tick of a task was enqueued, by its nominal time."""
    counts = Counter[int]()
    for job, entry in evidence.ledger.jobs.items():
        if job.startswith(f"{JOB}{task}@"):
            moment = datetime.fromisoformat(job.rpartition("@")[2])
            counts[round(moment.timestamp())] += entry.enqueued
    return counts


TICK_CHECKS = (each_tick_is_enqueued_once,)
