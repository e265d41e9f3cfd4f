from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from evidence import Evidence
from job_checks import overlaps
from system_checks import weigh
from tick_checks import count_ticks


def figures(evidence: Evidence) -> Iterator[str]:
    """Yield what happened in a run, in numbers."""
    acknowledged, unsure = (
        len(evidence.jobs(word)) for word in ("acknowledged", "unsure")
    )
    ticks = sum(len(count_ticks(evidence, task)) for task in evidence.facts["tasks"])
    missed = sum(map(len, evidence.facts["history"].values()))
    yield f"jobs: {acknowledged} acknowledged, {unsure} not"
    yield f"ticks: {ticks} enqueued, {missed} recorded as missed or skipped"
    runs = [run for each in evidence.runs.values() for run in each]
    parked = Counter(
        ending["status"]
        for entry in evidence.ledger.jobs.values()
        for ending in entry.endings
    )
    yield f"runs: {len(runs)} {_listed(Counter(run.how for run in runs))}"
    yield f"outcomes: {_listed(parked)}"
    away = sum(until - since for since, until in evidence.outages)
    yield f"outages: {len(evidence.outages)}, {away:.1f} s"
    beside = [seconds for *_, seconds in overlaps(evidence)]
    yield (
        f"runs beside another after their worker had lost its lease: {len(beside)}, "
        f"the longest for {max(beside, default=0):.2f} s"
    )
    actions = Counter(r["action"] for _, records in evidence.logs() for r in records)
    yield f"log lines of {len(evidence.lives)} workers: {_listed(actions)}"
    yield f"heaviest worker: {max(weigh(evidence).values(), default=0) // 1024} MB"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{word or '-'} {count}" for word, count in counts.most_common())
