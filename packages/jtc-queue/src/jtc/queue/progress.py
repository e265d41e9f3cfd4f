from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

import saq

META = "progress"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come, as it says itself.

    Attributes:
        fraction: From 0 to 1.
        note: What it says about that.
        at: When it said so, by the server's clock; None if it has not said anything.
    """

    fraction: float = 0.0
    note: str | None = None
    at: datetime | None = None


def write_progress(job: saq.Job, progress: Progress) -> None:
    """Put into a job how far it has come, the fraction where SAQ's tools read it."""
    at = None if progress.at is None else progress.at.timestamp()
    meta = job.meta if isinstance(job.meta, dict) else {}
    job.meta = {**meta, META: {"note": progress.note, "at": at}}
    job.progress = progress.fraction


def clear_progress(job: saq.Job) -> None:
    """Forget how far an attempt came, before the next one begins."""
    job.progress = 0.0
    # A job's meta is its owner's, who may use the word for something else.
    if isinstance(job.meta, dict) and _is_ours(job.meta.get(META)):
        del job.meta[META]


def read_progress(job: saq.Job) -> Progress:
    """Return how far a job has come, of this attempt or the one that ended it.

    Example:
        >>> job = saq.Job("f")
        >>> write_progress(job, Progress(0.5, "half"))
        >>> read_progress(job)
        Progress(fraction=0.5, note='half', at=None)
    """
    said = job.meta.get(META)
    note, at = (said["note"], said["at"]) if _is_ours(said) else (None, None)
    return Progress(
        job.progress,
        note if isinstance(note, str) else None,
        datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else None,
    )


def _is_ours(said: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(said, dict) and said.keys() == {"note", "at"}
