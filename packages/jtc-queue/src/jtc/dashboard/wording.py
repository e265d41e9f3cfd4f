"""How times, numbers and values read on a page: what templates use as filters."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST = 100_000
"""How many characters of a value are shown."""


def span(seconds: float | None) -> str:
    """Return a duration in two units at the most.

    Example:
        >>> [span(one) for one in (0.0421, 1.5, 75, 7260, 200_000, None)]
        ['42 ms', '1.5 s', '1 min 15 s', '2 h 1 min', '2 d 7 h', '—']
    """
    # A job's own numbers are what its sender wrote.
    if seconds is None or not math.isfinite(seconds):
        return "—"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    units = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s"))
    first = next(i for i, (size, _) in enumerate(units) if seconds >= size)
    parts: list[str] = []
    for size, unit in units[first : first + 2]:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{int(count)} {unit}")
    return " ".join(parts)


def number(value: float | None) -> str:
    """Return a number with its thousands apart.

    Example:
        >>> number(12345), number(0.25), number(3.0), number(None)
        ('12,345', '0.25', '3', '—')
    """
    if value is None:
        return "—"
    if value == int(value) or value >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{round(value):,}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def moment(at: datetime | None) -> Markup:
    """Return a time as an element that the script turns into "5 s ago".

    Example:
        >>> moment(datetime(2026, 3, 1, 9, tzinfo=UTC))
        Markup('<time datetime="2026-03-01T09:00:00Z">2026-03-01 09:00:00 UTC</time>')
    """
    if at is None:
        return Markup("—")
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    )


def pretty(value: Any) -> str:
    """Return a payload or a result as JSON that can be read.

    Example:
        >>> print(pretty({"order": 7}))
        {
          "order": 7
        }
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters"


def short_name(name: str | None) -> str:
    """Return the last part of a dotted name, which tells most.

    Example:
        >>> short_name("shop.jobs.SendInvoice"), short_name(None)
        ('SendInvoice', '—')
    """
    return "—" if name is None else name.rpartition(".")[2] or name
