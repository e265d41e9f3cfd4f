from __future__ import annotations


def write_schedule(schedule: str | int, timezone: str | None) -> str:
    r"""Return a schedule as a table shows it: a zone other than UTC stands below it.

    Example:
        >>> write_schedule(60, None), write_schedule("@daily", "Asia/Tokyo")
        ('60s', '@daily\nAsia/Tokyo')
    """
    text = schedule if isinstance(schedule, str) else f"{schedule}s"
    return text if timezone in (None, "UTC") else f"{text}\n{timezone}"
