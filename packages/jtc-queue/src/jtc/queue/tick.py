from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Tick:
    """One nominal time at which a task is due: `ctx["tick"]` in the task's function.

    Attributes:
        name: The task's name.
        nominal: When it was due, in UTC. The same for every attempt and every worker:
            use it, not the clock, to know which day or hour a report is about.
        late_by: Seconds from `nominal` to the start of this attempt, by the server's
            clock.
        manual: Whether somebody asked for this run; then it took no tick's place.
    """

    name: str
    nominal: datetime
    late_by: float
    manual: bool = False


def tick_meta(name: str, nominal: float, *, manual: bool = False) -> dict[str, Any]:
    """Return a tick job's `meta["tick"]`; `nominal` is in epoch seconds."""
    return {"name": name, "nominal": nominal, "manual": manual}


def read_tick(meta: dict[str, Any], *, now: float) -> Tick | None:
    """Return the tick that a job was enqueued for; None for any other job.

    Args:
        meta: The job's `meta`.
        now: The server's clock in epoch seconds.
    """
    tick = meta.get("tick")
    # A job's meta is its owner's, who may use the word for something else.
    if not isinstance(tick, dict) or not {"name", "nominal"} <= tick.keys():
        return None
    nominal = float(tick["nominal"])
    return Tick(
        name=tick["name"],
        nominal=datetime.fromtimestamp(nominal, tz=UTC),
        late_by=max(0.0, now - nominal),
        manual=bool(tick.get("manual")),
    )
