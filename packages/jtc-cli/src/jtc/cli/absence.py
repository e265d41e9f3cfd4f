from __future__ import annotations

from jtc.cli.discovery import Discovery


def describe_absence(discovery: Discovery) -> str:
    """Return that there are no tasks, and where they were looked for."""
    places = "".join(f"\n  {place}" for place in discovery.places)
    return f"No scheduled tasks found. Looked at:{places}"
