from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import Any

from evidence import Evidence
from finding import Finding
from ledger import JOB
from runs import Life

# Documents of ended jobs, what tasks and failures leave, and what SAQ's tools show.
STAYS = (
    r"saq:job:default:.*",
    r"saq:default:(stats|worker_info:.*)",
    r"jtc:queues",
    r"jtc:default:ended:\d+",
    r"jtc:default:(failed|failures|recent)",
    r"jtc:default:(due|seen|last|previous|polled|definitions|succeeded|history:.*)",
)
# A worker reads all of Python and redis; what it must not do is grow.
HEAVIEST = 150_000
# Beside the lines that tell of one job or one tick.
LINES, LINES_EACH = 20, 4
SINGLE = (
    "attempt_fenced",
    "attempt_retry",
    "job_recovered",
    "stale_settle",
    "ticks_missed",
    "ticks_skipped",
    "unsure_settle",
)


def it_came_to_its_end(evidence: Evidence) -> Iterator[Finding]:
    """Nothing the driver waited for was too slow."""
    for note in evidence.noted("gave up"):
        yield Finding(f"It was given up to wait until {note['on']}.")


def nothing_is_left_behind(evidence: Evidence) -> Iterator[Finding]:
    """Only results, failures, and what is known of tasks and workers stays."""
    for job in sorted(evidence.ledger.incomplete):
        yield Finding("It is incomplete.", job)
    for key, kind, size, seconds in evidence.facts["keys"]:
        if not any(re.fullmatch(pattern, key) for pattern in STAYS):
            yield Finding(f"Key {key} ({kind} of {size}) is left behind.")
        elif key.startswith(JOB) and seconds < 0:
            yield Finding("Its document is kept for good.", key)


def workers_end_as_told(evidence: Evidence) -> Iterator[Finding]:
    """None ends by itself, and one that is told to stop does so cleanly."""
    not_started = {note["by"] for note in evidence.noted("not started")}
    worked = {run.worker for runs in evidence.runs.values() for run in runs}
    for name, life in evidence.lives.items():
        if life.killed < inf or name in not_started - worked:
            continue
        # Before it listens to signals, a process ends by them.
        is_clean = life.status == 0 or (life.status == -15 and name not in worked)
        if life.how != "stopped" or not is_clean:
            yield Finding(f"Worker {name} ended: {life.how}, status {life.status}.")


def workers_say_little(evidence: Evidence) -> Iterator[Finding]:
    """Nothing unexpected, no flood, and an outage is told once."""
    for name, text in evidence.printed():
        yield Finding(f"{name} printed: {text[-2000:]}")
    for name, records in evidence.logs():
        yield from _flood(evidence, name, records)
        for record in records:
            if record["error"] and record["error"] != "Wanted":
                text = f"{record['text']} {record['trace']}"
                yield Finding(f"{name} logged: {text}")


def _flood(
    evidence: Evidence, name: str, records: list[dict[str, Any]]
) -> Iterator[Finding]:
    actions = Counter(record["action"] for record in records)
    troubles = _troubles(evidence, evidence.lives[name])
    quiet = actions.total() - sum(actions[action] for action in SINGLE)
    if quiet > LINES + LINES_EACH * troubles:
        yield Finding(f"{name} logged too much for {troubles} troubles: {actions}")
    away, back = actions["redis_away"], actions["redis_back"]
    if away > troubles or not 0 <= away - back <= 1:
        yield Finding(f"{name} told {away} outages of {troubles}, {back} were over.")


def _troubles(evidence: Evidence, life: Life) -> int:
    """Count what a worker has lived through: the server away, or itself frozen."""
    spans = [span for span in evidence.outages if span[1] >= life.born]
    return len([span for span in spans if span[0] <= life.died]) + len(life.frozen)


def workers_do_not_grow(evidence: Evidence) -> Iterator[Finding]:
    """No worker needs much memory, however long it lives."""
    for name, kilobytes in weigh(evidence).items():
        if kilobytes > HEAVIEST:
            yield Finding(f"{name} needs {kilobytes} kB.")


def weigh(evidence: Evidence) -> dict[str, int]:
    """Return the most memory that each worker had, in kB."""
    weights: dict[str, int] = {}
    for note in evidence.noted("weighed"):
        name = note["worker"]
        weights[name] = max(weights.get(name, 0), note["kilobytes"])
    return weights


SYSTEM_CHECKS = (
    it_came_to_its_end,
    nothing_is_left_behind,
    workers_end_as_told,
    workers_say_little,
    workers_do_not_grow,
)
