from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import inf

from evidence import Evidence
from finding import Finding
from runs import Run, lost_its_lease, overlap


def each_dispatch_is_in_the_queue_once(evidence: Evidence) -> Iterator[Finding]:
    """Acknowledged: once. Not acknowledged: once at the most."""
    jobs = evidence.ledger.jobs
    for job in evidence.jobs("refused"):
        yield Finding("A new job was refused as if it were there already.", job)
    for job in evidence.jobs("acknowledged"):
        if (count := jobs[job].enqueued) != 1:
            yield Finding(f"It was acknowledged, and enqueued {count} times.", job)
    for job in evidence.jobs("unsure"):
        if (count := jobs[job].enqueued) > 1:
            yield Finding(f"Dispatched once, it was enqueued {count} times.", job)


def each_job_ends_once(evidence: Evidence) -> Iterator[Finding]:
    """It completes; or is parked because three workers died or stood still with it."""
    for job, entry in evidence.ledger.jobs.items():
        if len(entry.endings) != entry.enqueued:
            times = f"{entry.enqueued} times and ended {len(entry.endings)} times"
            yield Finding(f"It was enqueued {times}.", job)
            continue
        for ending in entry.endings:
            if ending["status"] != "complete" and not is_poison(evidence, job):
                yield Finding(f"It ended as {ending['status']}.", job)


def is_poison(evidence: Evidence, job: str) -> bool:
    """Tell whether a job was parked for good reason."""
    entry = evidence.ledger.jobs[job]
    holders = [evidence.lives[claim.split()[0]] for claim in set(entry.claims)]
    lost = sum(life.killed < inf or bool(life.frozen) for life in holders)
    return str(entry.endings[-1].get("error")).startswith("poison: 3") and lost >= 3


def the_last_claim_decides(evidence: Evidence) -> Iterator[Finding]:
    """What a job ended with is what the run under its last claim returned."""
    for job, entry in evidence.ledger.jobs.items():
        if not entry.endings or entry.endings[-1]["status"] != "complete":
            continue
        result = entry.endings[-1].get("result")
        if result != entry.claims[-1]:
            text = f"It ended with {result}; its last claim is {entry.claims[-1]}."
            yield Finding(text, job)
        done = [run for run in evidence.runs.get(job, ()) if run.how == "done"]
        if result not in [run.claim for run in done]:
            yield Finding("It is complete, and that run of it did not end well.", job)


def no_job_runs_beside_itself(evidence: Evidence) -> Iterator[Finding]:
    """Two runs overlap only where a process had lost its lease."""
    lease = evidence.facts["lease"]
    for job, one, other, seconds in overlaps(evidence):
        if not lost_its_lease(one, evidence.lives, lease=lease):
            names = f"{one.worker} and {other.worker}"
            yield Finding(f"It ran on {names} together, for {seconds:.3f} s.", job)


def overlaps(evidence: Evidence) -> Iterator[tuple[str, Run, Run, float]]:
    """Yield the runs of a job that overlap, the earlier one first, and for how long."""
    for job, runs in evidence.runs.items():
        for one, other in combinations(runs, 2):
            if (seconds := overlap(one, other, evidence.lives)) > 0:
                yield job, one, other, seconds


def nothing_runs_again_without_a_reason(evidence: Evidence) -> Iterator[Finding]:
    """A run that ended well is followed by another only if its process was lost."""
    for job, runs in evidence.runs.items():
        for run, after in pairwise(runs):
            if run.how == "done" and not is_excused(evidence, run, before=after.start):
                yield Finding(f"It ran again after {run.worker} had done it.", job)


def is_excused(evidence: Evidence, run: Run, *, before: float) -> bool:
    """Tell whether what a run came to may have been lost before another began."""
    life = evidence.lives[run.worker]
    if life.killed < before:
        return True
    if lost_its_lease(run, evidence.lives, lease=evidence.facts["lease"], until=before):
        return True
    was_away = any(a < life.died and b > run.end for a, b in evidence.outages)
    return life.died < before and life.told < inf and was_away


def only_failing_spends_tries(evidence: Evidence) -> Iterator[Finding]:
    """A job has as many attempts as it was told to fail, and one."""
    told = evidence.jobs("acknowledged") | evidence.jobs("unsure")
    for job, entry in evidence.ledger.jobs.items():
        wanted = 1 + (told[job]["fails"] if job in told else 0)
        for ending in entry.endings:
            attempts = ending.get("attempts", 0)
            if ending["status"] == "complete" and attempts != wanted:
                yield Finding(f"It took {attempts} attempts instead of {wanted}.", job)


def nothing_starts_early(evidence: Evidence) -> Iterator[Finding]:
    """A delayed job waits for its time."""
    for job, note in evidence.jobs("acknowledged").items():
        for run in evidence.runs.get(job, ()):
            if (early := note["not_before"] - run.wall) > 0:
                yield Finding(f"It began {early:.3f} s early.", job)


JOB_CHECKS = (
    each_dispatch_is_in_the_queue_once,
    each_job_ends_once,
    the_last_claim_decides,
    no_job_runs_beside_itself,
    nothing_runs_again_without_a_reason,
    only_failing_spends_tries,
    nothing_starts_early,
)
