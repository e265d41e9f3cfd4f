from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from journal import Note

Span = tuple[float, float]


@dataclass(slots=True)
class Life:
    """A worker process.

    Attributes:
        born: When it was started.
        frozen: When it stood still.
        killed: When it was killed; never is infinity.
        died: When it was gone, however it ended.
        told: When it was told to stop.
    """

    born: float = 0.0
    frozen: list[Span] = field(default_factory=list)
    killed: float = inf
    told: float = inf
    died: float = inf
    how: str = ""
    status: int = 0


@dataclass(slots=True)
class Run:
    """One run of a job's body.

    Attributes:
        claim: The claim it ran under.
        how: `done`, `failed`, `canceled`, or `cut off` with its process.
    """

    job: str
    worker: str
    claim: str
    attempt: int
    start: float
    wall: float
    end: float = inf
    how: str = "cut off"


def read_lives(notes: Iterable[Note]) -> dict[str, Life]:
    """Return the workers by name."""
    lives: dict[str, Life] = defaultdict(Life)
    for note in notes:
        life = lives[note["worker"]] if "worker" in note else Life()
        at = note["at"]
        if note["what"] == "born":
            life.born = at
        elif note["what"] == "frozen":
            life.frozen.append((at, inf))
        elif note["what"] == "thawed":
            life.frozen[-1] = (life.frozen[-1][0], at)
        elif note["what"] == "killed":
            life.killed = at
        elif note["what"] == "told to stop":
            life.told = at
        elif note["what"] == "died":
            life.died, life.how, life.status = at, note["how"], note["status"]
    return dict(lives)


def read_runs(notes: Iterable[Note], lives: dict[str, Life]) -> dict[str, list[Run]]:
    """Return the runs of each job, in the order in which they began."""
    runs: dict[str, list[Run]] = defaultdict(list)
    open_: dict[tuple[str, str], Run] = {}
    for note in notes:
        if note["what"] == "start":
            run = Run(
                note["job"],
                note["by"],
                note["claim"],
                note["attempt"],
                note["at"],
                note["wall"],
                lives[note["by"]].died,
            )
            runs[run.job].append(run)
            open_[run.job, run.claim] = run
        elif note["what"] == "end":
            run = open_[note["job"], note["claim"]]
            run.end, run.how = note["at"], note["how"]
    return dict(runs)


def overlap(one: Run, other: Run, lives: dict[str, Life]) -> float:
    """Return for how many seconds both really ran; a frozen process runs nothing."""
    return sum(
        max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
        for a in _awake(one, lives[one.worker])
        for b in _awake(other, lives[other.worker])
    )


def lost_its_lease(
    run: Run, lives: dict[str, Life], *, lease: float, until: float | None = None
) -> bool:
    """Tell whether the run's process stood still for a lease while it was under way.

    Args:
        run: A run.
        lives: The workers.
        lease: Seconds a lease lasts.
        until: When it mattered no more; the end of the run unless given.
    """
    last = run.end if until is None else until
    return any(
        end - begin >= lease and begin < last and end > run.start
        for begin, end in lives[run.worker].frozen
    )


def _awake(run: Run, life: Life) -> list[Span]:
    spans, since = [], run.start
    for begin, end in life.frozen:
        if end > since and begin < run.end:
            spans.append((since, max(since, begin)))
            since = end
    return [*spans, (since, max(since, run.end))]
