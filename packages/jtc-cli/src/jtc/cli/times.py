from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE = re.compile(r"(\d{1,6})([smhd])")


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


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Read a time, or how long ago it was; what names no time zone is UTC.

    Args:
        text: As `2h`, `2026-03-01` or `2026-03-01T09:00:00+01:00`.
        now: An aware datetime.

    Raises:
        ValueError: It is neither.

    Example:
        >>> parse_moment("2h", now=datetime(2026, 3, 1, 9, tzinfo=UTC)).hour
        7
    """
    if _AGE.fullmatch(text):
        return now - parse_age(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: give one such as 2026-03-01T09:00, or how long ago "
            "it was, such as 90m, 2h or 7d."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
