"""What several worker processes have counted, added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

Snapshot = Mapping[str, Any]
"""What `jtc.queue.vitals.Vitals.snapshot` returns, or the sum of several."""

NOTHING: Snapshot = {
    "bounds": [],
    "processes": 0,
    "state": "starting",
    "turned": None,
    "scheduler": None,
    "redis": None,
    "disruptions": 0,
    "queues": {},
}


def add_snapshots(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Add up what processes have counted; of what is so now, the newest counts."""
    return reduce(_add, snapshots, NOTHING)


def counts_of(snapshot: Snapshot) -> Snapshot:
    """Return what stays of a process that is gone: what it has counted."""
    queues = {
        name: {**queue, "standing": None} for name, queue in snapshot["queues"].items()
    }
    kept = {key: snapshot[key] for key in ("bounds", "disruptions")}
    return {**NOTHING, **kept, "queues": queues}


def _add(one: Snapshot, other: Snapshot) -> Snapshot:
    return {
        **NOTHING,
        "bounds": one["bounds"] or other["bounds"],
        "processes": one["processes"] + other["processes"],
        "scheduler": _newest(one["scheduler"], other["scheduler"], "looked"),
        "redis": _both(one["redis"], other["redis"]),
        "disruptions": one["disruptions"] + other["disruptions"],
        "queues": _add_queues(one["queues"], other["queues"]),
    }


def _add_queues(one: Snapshot, other: Snapshot) -> Snapshot:
    return {
        name: _add_queue(one[name], other[name])
        if name in one and name in other
        else {**one, **other}[name]
        for name in {**one, **other}
    }


def _add_queue(one: Snapshot, other: Snapshot) -> Snapshot:
    return {
        "measures": _add_counts(one["measures"], other["measures"]),
        "standing": _newest(one["standing"], other["standing"], "at"),
    }


def _add_counts(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {
            key: _add_counts(one[key], other[key])
            if key in one and key in other
            else {**one, **other}[key]
            for key in {**one, **other}
        }
    if isinstance(one, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    return one + other


def _newest(one: Snapshot | None, other: Snapshot | None, when: str) -> Any:
    known = [each for each in (one, other) if each is not None]
    dated = [each for each in known if each[when] is not None] or known
    return max(dated, key=lambda each: each[when] or 0.0, default=None)


def _both(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 - operands
    known = [each for each in (one, other) if each is not None]
    return all(known) if known else None
