from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired, TypedDict, cast

Kind = Literal["ran", "caught_up", "manual"]

# What a `datetime` in UTC can tell, in epoch seconds: the years 1 to 9999.
_FIRST = -62_135_596_800
_LAST = 253_402_300_799


class TickMeta(TypedDict):
    """A tick job's `meta["tick"]`.

    Attributes:
        name: The schedule's name.
        nominal: In epoch seconds.
        manual: Whether somebody asked for this run.
        kind: The outcome that it will be recorded as.
        counted: Whether it counts for `max_runs`.
    """

    name: str
    nominal: float
    manual: bool
    kind: Kind
    counted: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class Tick:
    """One nominal time at which a task is due: `ctx["tick"]` in the task's function.

    Attributes:
        name: The schedule's name, which is the task's unless it was made at run time.
        nominal: When it was due, in UTC. The same for every attempt and every worker:
            use it, not the clock, to know which day or hour a report is about.
        late_by: Seconds from `nominal` to the start of this attempt, by the server's
            clock.
        manual: Whether somebody asked for this run; then it took no tick's place.
        caught_up: Whether it is made up for: nobody was there in time, or somebody
            asked for a backfill.
    """

    name: str
    nominal: datetime
    late_by: float
    manual: bool = False
    caught_up: bool = False


def tick_meta(
    name: str, nominal: float, *, kind: Kind = "ran", counted: bool = False
) -> TickMeta:
    """Return a tick job's `meta["tick"]`; `nominal` is in epoch seconds."""
    manual = kind == "manual"
    meta: TickMeta = {"name": name, "nominal": nominal, "manual": manual, "kind": kind}
    return {**meta, "counted": True} if counted else meta


def tick_meta_of(meta: object) -> TickMeta | None:
    """Return what a job's `meta` says of its tick; None when it is no tick's job."""
    found = meta.get("tick") if isinstance(meta, Mapping) else None
    # A job's meta is its owner's, who may use the word for something else.
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    if not _is_moment(found.get("nominal")):
        return None
    kind = "manual" if found.get("manual") else found.get("kind")
    known = kind if kind in ("ran", "caught_up", "manual") else "ran"
    return cast("TickMeta", {**found, "manual": known == "manual", "kind": known})


def read_tick(meta: dict[str, Any], *, now: float) -> Tick | None:
    """Return the tick that a job was enqueued for; None for any other job.

    Args:
        meta: The job's `meta`.
        now: The server's clock in epoch seconds.
    """
    tick = tick_meta_of(meta)
    if tick is None:
        return None
    return Tick(
        name=tick["name"],
        nominal=datetime.fromtimestamp(tick["nominal"], tz=UTC),
        late_by=max(0.0, now - tick["nominal"]),
        manual=tick["manual"],
        caught_up=tick["kind"] == "caught_up",
    )


def _is_moment(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return _FIRST <= value < _LAST
