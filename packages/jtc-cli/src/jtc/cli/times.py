from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"(\d{1,6})([smhd])")
_DAY = timedelta(days=1)
_ALMOST_A_YEAR = timedelta(days=360)


def parse_age(text: str) -> timedelta:
    """Read a number with its unit.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse_age("90m")
        datetime.timedelta(seconds=5400)
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no duration: give a whole number with s, m, h or d, "
            "for example 90m."
        )
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


def parse_seconds(text: str) -> float:
    """Read a duration: a number of seconds, or a whole number with its unit.

    Raises:
        ValueError: It is none.

    Example:
        >>> parse_seconds("90m"), parse_seconds("2.5")
        (5400.0, 2.5)
    """
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    return parse_age(text).total_seconds()


def parse_moment(text: str, *, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Read a time, or how long ago it was.

    Args:
        text: As `2h`, `2026-03-01` or `2026-03-01T09:00:00+01:00`.
        now: An aware datetime.
        zone: That of a time which names none.

    Raises:
        ValueError: It is neither.

    Example:
        >>> parse_moment("2h", now=datetime(2026, 3, 1, 9, tzinfo=UTC)).hour
        7
    """
    if _AGE.fullmatch(text):
        return now - parse_age(text)
    return _parse_time(text, zone, hint="how long ago it was")


def parse_moment_ahead(text: str, *, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Read a time as `parse_moment` does, or how long it is until then.

    Raises:
        ValueError: It is neither.

    Example:
        >>> parse_moment_ahead("2h", now=datetime(2026, 3, 1, 9, tzinfo=UTC)).hour
        11
    """
    if _AGE.fullmatch(text):
        return now + parse_age(text)
    return _parse_time(text, zone, hint="how long it is until then")


def format_moment(moment: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """Return a time to be read beside `now`, with the date if it is a day away.

    Example:
        >>> format_moment(datetime(2026, 3, 2, 9, tzinfo=UTC),
        ...               now=datetime(2026, 3, 1, 9, tzinfo=UTC))
        'Mar 02 09:00'
    """
    local = moment.astimezone(zone)
    distance = abs(moment - now)
    if distance < _DAY:
        return f"{local:%H:%M:%S}"
    date = "%b %d" if distance < _ALMOST_A_YEAR else "%Y-%m-%d"
    return f"{local:{date} %H:%M:%S}".removesuffix(":00")


def format_day_and_time(moment: datetime, *, zone: tzinfo = UTC) -> str:
    """Return a time in full, with the day of the week and the zone's short name.

    Example:
        >>> format_day_and_time(datetime(2026, 3, 2, 9, tzinfo=UTC))
        'Mon 2026-03-02 09:00:00 UTC'
    """
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


def format_for_programs(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, with milliseconds where it has any.

    Example:
        >>> format_for_programs(datetime(2026, 3, 2, 9, tzinfo=UTC))
        '2026-03-02T09:00:00Z'
    """
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z".replace(".000Z", "Z")


def _parse_time(text: str, zone: tzinfo, *, hint: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: give one such as 2026-03-01T09:00, or {hint}, such "
            "as 90m, 2h or 7d."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
