from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jtc.testing.errors import NotAMoment


def read_moment(value: str | datetime, zone: str) -> datetime:
    """Return an aware datetime.

    Args:
        value: As in "2026-03-02 08:00", read in `zone` unless it names an offset.
        zone: The IANA name of a time zone.

    Raises:
        NotAMoment: It says none, or one that the clocks of the zone leave out.

    Example:
        >>> read_moment("2026-03-02 08:00", "Europe/Paris").isoformat()
        '2026-03-02T08:00:00+01:00'
    """
    moment = _parsed(value) if isinstance(value, str) else value
    if moment.utcoffset() is not None:
        return moment
    try:
        aware = moment.replace(tzinfo=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise NotAMoment(value, f"there is no time zone {zone!r}") from error
    if _is_left_out(aware):
        raise NotAMoment(value, f"the clocks of {zone} go from before it to after it")
    return aware


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise NotAMoment(text, 'write it as in "2026-03-02 08:00"') from error


def _is_left_out(moment: datetime) -> bool:
    there_and_back = datetime.fromtimestamp(moment.timestamp(), moment.tzinfo)
    return there_and_back.replace(tzinfo=None) != moment.replace(tzinfo=None, fold=0)
