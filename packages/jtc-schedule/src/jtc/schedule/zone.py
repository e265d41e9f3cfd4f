from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jtc.schedule.errors import InvalidTimezone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def zone_name(timezone: str | ZoneInfo) -> str:
    """Return the IANA name of a time zone that this machine knows.

    Raises:
        InvalidTimezone: The zone is unknown here, or has no name.

    Example:
        >>> zone_name("Europe/Lisbon")
        'Europe/Lisbon'
    """
    # Most tasks name no zone, and the import would cost each of them.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    if isinstance(timezone, ZoneInfo) and timezone.key:
        return timezone.key
    if not isinstance(timezone, str):
        raise InvalidTimezone(timezone, "give an IANA name such as 'Europe/Lisbon'")
    try:
        return ZoneInfo(timezone).key
    # Besides KeyError: ValueError for "../x", OSError for a folder such as "Europe".
    except (KeyError, ValueError, OSError):
        raise InvalidTimezone(timezone, _reason(timezone)) from None


def _reason(unknown: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415 - as above

    names = {name.lower(): name for name in available_timezones()}
    if not names:
        return "this machine has no time zone database; install tzdata"
    near = difflib.get_close_matches(unknown.lower(), names)
    if not near:
        return "unknown; give an IANA name such as 'Europe/Lisbon'"
    return f"unknown; near to it are {', '.join(names[key] for key in near)}"
