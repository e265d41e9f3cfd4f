from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from journal import Note, read_notes
from ledger import Ledger, read_ledger
from runs import Life, Run, Span, read_lives, read_runs


@dataclass(frozen=True)
class Evidence:
    """All that a run left behind in its folder."""

    folder: Path

    @cached_property
    def notes(self) -> list[Note]:
        """What workers, producers and the driver noted, in order."""
        return read_notes(self.folder / "notes")

    @cached_property
    def ledger(self) -> Ledger:
        """What the server wrote."""
        return read_ledger(self.folder / "server")

    @cached_property
    def lives(self) -> dict[str, Life]:
        """The workers by name."""
        return read_lives(self.notes)

    @cached_property
    def runs(self) -> dict[str, list[Run]]:
        """The runs of each job's body."""
        return read_runs(self.notes, self.lives)

    @cached_property
    def outages(self) -> list[Span]:
        """When the server was away, frozen or paused."""
        spans: list[Span] = []
        for note in self.notes:
            if note["what"] == "server down":
                spans.append((note["at"], note["at"]))
            elif note["what"] == "server up" and spans:
                spans[-1] = (spans[-1][0], note["at"])
        return spans

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The run's options, and what the server held at its end."""
        text = (self.folder / "facts.json").read_text(encoding="utf-8")
        facts: dict[str, Any] = json.loads(text)
        return facts

    def noted(self, what: str) -> list[Note]:
        """Return all notes with one word."""
        return [note for note in self.notes if note["what"] == what]

    def jobs(self, what: str) -> dict[str, Note]:
        """Return what producers noted about jobs in one word, by job."""
        return {note["job"]: note for note in self.noted(what)}

    def logs(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield each worker's name and log records."""
        for path in sorted((self.folder / "logs").glob("*.jsonl")):
            lines = path.read_text(encoding="utf-8").splitlines()
            yield path.stem, [json.loads(line) for line in lines]

    def printed(self) -> Iterator[tuple[str, str]]:
        """Yield what processes printed beside their log."""
        for path in sorted((self.folder / "printed").glob("*.txt")):
            if text := path.read_text(encoding="utf-8", errors="replace"):
                yield path.stem, text

    def story(self, job: str) -> str:
        """Tell everything that is known of a job, a line each."""
        workers = {run.worker for run in self.runs.get(job, ())}
        entry = self.ledger.jobs[job]
        lines = [
            f"  {json.dumps(note)}"
            for note in self.notes
            if note.get("job") == job
            or (note.get("worker") in workers and note["what"] != "weighed")
            or note["what"].startswith("server")
        ]
        written = f"  enqueued {entry.enqueued} time(s), claims {entry.claims}"
        endings = [f"  ended: {json.dumps(ending)}" for ending in entry.endings]
        return "\n".join([job, *lines, written, *endings])
