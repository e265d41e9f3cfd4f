from __future__ import annotations

from jtc.dashboard.errors import NotUnderstood
from jtc.dashboard.form import Form

PAUSES = {
    "": "until it is resumed",
    "900": "for 15 minutes",
    "3600": "for an hour",
    "14400": "for 4 hours",
    "86400": "for a day",
    "604800": "for a week",
}
"""For how long something can be paused: seconds, and how that reads."""


def read_pause_seconds(form: Form) -> int | None:
    """Return for how long something is to be paused; None until it is resumed.

    Raises:
        NotUnderstood: It is none of those that can be chosen.
    """
    chosen = form.get("for") or ""
    if chosen not in PAUSES:
        raise NotUnderstood(f"{chosen!r} is no time that can be chosen.")
    return int(chosen) if chosen else None
