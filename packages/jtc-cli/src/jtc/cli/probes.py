"""What a probe is told: for each process of a worker and each check, ok or why not."""

from __future__ import annotations

from collections.abc import Mapping

from jtc.cli.snapshot_sum import Snapshot

TURNED_WITHIN = 15.0
"""Seconds within which an event loop has to turn."""
LOOKED_WITHIN = 10.0
"""Seconds within which a worker that fires ticks asks what is due; as for
`jtc queue health`, from which the process that looks after others imports nothing."""
OK = "ok"

Checks = Mapping[str, str]


def check_alive(snapshot: Snapshot | None, *, now: float) -> Checks:
    """Tell whether a process has to be killed; a server that is away is no reason.

    Args:
        snapshot: What it says; None if it has not said anything yet, which is no reason
            either: it is starting.
        now: By `time.monotonic`.
    """
    turned = None if snapshot is None else snapshot["turned"]
    if turned is None or now - turned <= TURNED_WITHIN:
        return {"loop": OK}
    return {"loop": f"its event loop has not turned for {now - turned:.0f} s"}


def check_ready(snapshot: Snapshot | None, *, now: float) -> Checks:
    """Tell whether a process works as it should; see `check_alive`."""
    if snapshot is None:
        return {"worker": "starting"}
    state = snapshot["state"]
    checks = {
        "worker": OK if state == "working" else state,
        "loop": check_alive(snapshot, now=now)["loop"],
        "redis": OK if snapshot["redis"] else "the server is away",
    }
    if (scheduler := snapshot["scheduler"]) is not None:
        checks["scheduler"] = _judge_look(scheduler["looked"], now=now)
    return checks


def are_ok(checks: Mapping[str, Checks]) -> bool:
    """Tell whether there is nothing wrong with any process."""
    return all(one == OK for each in checks.values() for one in each.values())


def _judge_look(looked: float | None, *, now: float) -> str:
    if looked is None:
        return "has not asked yet what is due"
    if now - looked > LOOKED_WITHIN:
        return f"asked {now - looked:.0f} s ago what is due, and not since"
    return OK
