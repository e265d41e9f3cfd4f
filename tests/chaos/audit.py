"""Tell whether a chaos run kept the promise: `python tests/chaos/audit.py FOLDER`.

Nothing lost, nothing twice: each acknowledged job is in the queue once, runs, and ends
once, by the server's own record. Each tick is enqueued once, or recorded as missed or
skipped. No job runs at the same time as itself, and one that was done is done again
only if its worker was killed, or told to stop while the server was away, before it
could say so.

A worker that stands still for longer than its lease is taken for dead, and what it held
is given to others. When it goes on, what it was in the middle of goes on too, until it
is told that the job is another's: so a body may run beside another for that moment.
This is counted, not forbidden. That nothing comes of it is checked: the outcome is that
of the last claim.
"""

from __future__ import annotations

import sys
from pathlib import Path

from evidence import Evidence
from figures import figures
from finding import Check
from job_checks import JOB_CHECKS
from system_checks import SYSTEM_CHECKS
from tick_checks import TICK_CHECKS

CHECKS: tuple[Check, ...] = (*JOB_CHECKS, *TICK_CHECKS, *SYSTEM_CHECKS)
SHOWN = 3


def tell(folder: Path) -> bool:
    """Print the figures of a run and what is wrong; return whether nothing is."""
    evidence = Evidence(folder)
    for line in figures(evidence):
        print(line)
    found = {check.__name__: list(check(evidence)) for check in CHECKS}
    for name, violations in found.items():
        if violations:
            print(f"NOT SO: {name.replace('_', ' ')}: {len(violations)} times")
        for violation in violations[:SHOWN]:
            print(f"- {violation.text}")
            if violation.job:
                print(evidence.story(violation.job))
    is_well = not any(found.values())
    print("verdict: all is well" if is_well else f"verdict: violated, see {folder}")
    return is_well


if __name__ == "__main__":
    sys.exit(0 if tell(Path(sys.argv[1])) else 1)
