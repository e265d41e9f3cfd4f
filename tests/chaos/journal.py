from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

Note = dict[str, Any]


class Journal:
    """Notes of what happened, one JSON object a line, that outlive their process.

    Each line is one write to a file in append mode: what was noted before a SIGKILL is
    there afterwards, whole.

    Args:
        folder: Where all journals of a run are.
        name: Of the process that writes this one.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._name = name

    def note(self, what: str, **facts: Any) -> None:
        """Note that something happened now, by the clock all processes share."""
        line = {"at": time.monotonic(), "by": self._name, "what": what, **facts}
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_notes(folder: Path) -> list[Note]:
    """Return all notes of a run in the order in which things happened."""
    notes = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return sorted(notes, key=lambda note: note["at"])
