from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jtc.queue.scripts import Argument

LEASE_MS = 13_000
# When nobody has renewed for so much of a lease, everybody gets one more. With the time
# between two renewals and that until a failed one is tried again it must stay below a
# lease: after an outage that was shorter, whoever was about to renew when it began must
# have done so before the others find its lease expired.
QUIET = 0.5


def trial_ms() -> int:
    """Return how long a lease lasts at least, of a worker that has just claimed."""
    return round(LEASE_MS * (1 - QUIET))


def lease_arguments(worker: str) -> list[Argument]:
    """Return what `recover.lua` is told of the lease to renew."""
    return [worker, LEASE_MS, round(LEASE_MS * QUIET)]
