from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "ended", "never_runs", "duplicate", "dst_gap", "dst_fold", "overlap", "expectation"
]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a schedule that can hardly be meant so.

    Attributes:
        task: The task's name.
        kind: What it is; the word stays the same from version to version.
        severity: `error` when the schedule contradicts itself, `warning` when it does
            what it says and that may surprise.
        message: What is wrong, where, and what to do next.
    """

    task: str
    kind: FindingKind
    severity: Severity
    message: str
